/** The tools of DCMTK, as scanners and archives speak (echoscu, storescu, storescp) and read reports (dsrdump). Without them suites are skipped and say so. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe } from 'vitest';
import { freePort } from '../federate/nats/server.js';
import type { CertificateFiles } from '../pacs/certificates.js';

const present = ['echoscu', 'storescu', 'storescp', 'dsrdump'].every((name) => !spawnSync(name, ['--version']).error);

/** A suite that needs them. */
export function describeWithDcmtk(title: string, body: () => void): void {
  if (present) describe(title, body);
  else if (process.env.CI) throw new Error('dcmtk is not installed, and nothing is skipped in CI');
  else describe.skip(`${title} (skipped: dcmtk is not installed)`, body);
}

export interface Ended {
  status: number;
  text: string;
}

/** Runs one of the tools to its end. */
export async function tool(name: string, ...args: string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(name, args, { timeout: 60_000 });
    return { status: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, text: stdout + stderr };
  }
}

/** Sends files as a scanner does, with what it says about each. */
export const store = (
  port: number,
  files: readonly string[],
  { calling = 'CT1', called = 'GRAFT', tls = [] as string[] } = {},
) => tool('storescu', '-v', '-aet', calling, '-aec', called, ...tls, '127.0.0.1', String(port), ...files);

/** Options of these tools for TLS. */
export const tlsArguments = ({ certificate, key }: CertificateFiles, ca: string): string[] => [
  ...['+tls', key, certificate, '+cf', ca],
];

/** An archive that files what it gets into a folder. */
export class StoreScp {
  readonly folder: string;
  readonly port: number;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
    mkdirSync(folder, { recursive: true });
  }

  /** @param port of an archive that is not there yet */
  static async at(folder: string): Promise<StoreScp> {
    return new StoreScp(folder, await freePort());
  }

  get files(): string[] {
    return readdirSync(this.folder).map((name) => join(this.folder, name));
  }

  async start(...args: string[]): Promise<this> {
    const child = spawn('storescp', ['-aet', 'PACS', '-od', this.folder, ...args, String(this.port)], {
      stdio: 'ignore',
    });
    this.#process = child;
    while (!(await answers(this.port))) {
      if (child.exitCode !== null) throw new Error('storescp ended');
      await setTimeout(20);
    }
    return this;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
