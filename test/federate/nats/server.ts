/**
 * Real brokers for tests: nats-server on loopback, each with a folder and a port of its own. `NATS_SERVER` names another
 * binary than the one on the path; without either, suites are skipped and say so.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe } from 'vitest';
import { afterEveryFile } from '../../every-file.js';
import { newFolder } from '../small.js';

const binary = process.env.NATS_SERVER ?? 'nats-server';
/** Such as `2.9.10`; empty where there is no nats-server. */
export const version =
  /v(\d[\w.-]*)/.exec(spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? '';

/** A suite that needs a broker. */
export function describeWithBroker(title: string, body: () => void): void {
  if (version !== '') describe(title, body);
  else if (process.env.CI) throw new Error('nats-server is not installed, and nothing is skipped in CI');
  else describe.skip(`${title} (skipped: nats-server is not installed)`, body);
}

const running = new Set<TestBroker>();
afterEveryFile(async () => {
  for (const broker of running) await broker.stop();
});

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Room is stated: by default a broker takes three quarters of what the disk has left, which may be too little to reserve from. */
const plain = (port: number, store: string) =>
  `listen: "127.0.0.1:${port}"\njetstream: { store_dir: "${store}", max_file_store: ${2 ** 40} }\n`;

/** Most milliseconds until a broker answers, and how often another port is tried where somebody else took it meanwhile. */
const [START, TRIES] = [60_000, 3];

/** A broker that can be killed, robbed of its store and started again where it was. */
export class TestBroker {
  readonly port: number;
  readonly folder = newFolder();
  readonly store = join(this.folder, 'store');
  readonly #file = join(this.folder, 'broker.conf');
  readonly #name = randomUUID();
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
    mkdirSync(this.store);
  }

  /** @param configuration text for the port and the folder of the store */
  static async start(configuration: (port: number, store: string) => string = plain): Promise<TestBroker> {
    for (let left = TRIES; ; left--) {
      const broker = new TestBroker(await freePort());
      writeFileSync(broker.#file, configuration(broker.port, broker.store));
      try {
        await broker.begin();
        return broker;
      } catch (error) {
        if (left === 1 || !broker.log.includes('address already in use')) throw error;
      }
    }
  }

  get address(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** What the server wrote, for tests that fail. */
  get log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** Starts the server; resolves when it answers. */
  async begin(): Promise<void> {
    const args = ['-c', this.#file, '-l', join(this.folder, 'log'), '-n', this.#name];
    const child = spawn(binary, args, { stdio: 'ignore' });
    this.#process = child;
    running.add(this);
    // Peers wait for a broker that is gone, so a test would hang without a word.
    child.once('exit', (code, signal) => {
      if (running.delete(this)) console.error(`nats-server ended with ${signal ?? code}:\n${this.log}`);
    });
    for (const begun = Date.now(); !(await answers(this.port, this.#name)); await setTimeout(20)) {
      if (child.exitCode !== null) throw new Error(`nats-server ended:\n${this.log}`);
      if (Date.now() - begun > START) throw new Error(`nats-server does not answer:\n${this.log}`);
    }
  }

  /** Kills it, as a crash would. */
  async stop(): Promise<void> {
    running.delete(this);
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Kills it and starts it again, with its store or with an empty one. */
  async restart({
    wiped = false,
    configuration,
  }: {
    wiped?: boolean;
    configuration?: typeof plain;
  } = {}): Promise<void> {
    await this.stop();
    if (wiped) rmSync(this.store, { recursive: true });
    if (configuration) writeFileSync(this.#file, configuration(this.port, this.store));
    await this.begin();
  }

  /** Has it read another configuration, once, as `systemctl reload` does. */
  async reload(configuration: typeof plain): Promise<void> {
    const reloads = () => this.log.split('Reloaded server configuration').length;
    const before = reloads();
    // A server keeps the name that it was started with, and refuses a configuration with another one.
    const text = configuration(this.port, this.store).replace(/^server_name: .*$/m, `server_name: "${this.#name}"`);
    writeFileSync(this.#file, text);
    this.#process!.kill('SIGHUP');
    for (const begun = Date.now(); reloads() === before; await setTimeout(20))
      if (Date.now() - begun > START) throw new Error(`nats-server did not read its configuration again:\n${this.log}`);
  }
}

/** Whether the server of that name answers on the port, and not another's that took it. */
const answers = (port: number, name: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1').setTimeout(1000, () => socket.destroy());
    socket.once('data', (said) => {
      socket.destroy();
      resolve(said.includes(`"server_name":"${name}"`));
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
