/**
 * A real archive for tests: Orthanc with its DICOMweb plugin on loopback and with passwords, behind a proxy that speaks TLS with
 * a certificate of an authority of its own, as hospitals put one before it. (Debian's Orthanc 1.10 ends at the first request
 * over its own TLS.) Without Orthanc suites are skipped and say so.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createPlain, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe } from 'vitest';
import { type CertificateFiles, testAuthority } from './certificates.js';

const binary = ['/usr/sbin/Orthanc', '/usr/bin/Orthanc', '/usr/local/sbin/Orthanc'].find((path) => existsSync(path));
const plugin = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';

/** A suite that needs an archive. */
export function describeWithArchive(title: string, body: () => void): void {
  if (binary && existsSync(plugin)) describe(title, body);
  else if (process.env.CI)
    throw new Error('orthanc or orthanc-dicomweb is not installed, and nothing is skipped in CI');
  else describe.skip(`${title} (skipped: orthanc or orthanc-dicomweb is not installed)`, body);
}

/** Answers a request itself, or leaves it to the archive. */
export type Meddle = (request: IncomingMessage, response: ServerResponse) => boolean;

export class TestArchive {
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | undefined;
  readonly #servers: Server[] = [];
  /** What a bad link does with requests that come without TLS. */
  meddle: Meddle = () => false;

  /** @param port a free one */
  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    mkdirSync(join(folder, 'storage'), { recursive: true });
  }

  /** Over TLS. */
  get address(): string {
    return `https://localhost:${portOf(this.#servers[0])}/dicom-web`;
  }
  /** Without TLS, over the bad link. */
  get badLink(): string {
    return `http://127.0.0.1:${portOf(this.#servers[1])}/dicom-web`;
  }
  /** Over TLS, for callers with a certificate of the same authority. */
  get strict(): string {
    return `https://localhost:${portOf(this.#servers[2])}/dicom-web`;
  }
  /** Such a certificate. */
  caller: CertificateFiles | undefined;
  /** The certificate of the authority. */
  get ca(): string {
    return join(this.#folder, 'ca.pem');
  }

  async start(): Promise<void> {
    const storage = join(this.#folder, 'storage');
    const configuration = {
      ...{ Name: 'test', StorageDirectory: storage, IndexDirectory: storage, DicomServerEnabled: false },
      ...{ HttpPort: this.#port, RemoteAccessAllowed: false, AuthenticationEnabled: true },
      ...{
        RegisteredUsers: { tester: 'a pass:word' },
        Plugins: [plugin],
        DicomWeb: { Enable: true, Root: '/dicom-web/' },
      },
    };
    const file = join(this.#folder, 'orthanc.json');
    writeFileSync(file, JSON.stringify(configuration));
    const child = spawn(binary!, [file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    let log = '';
    child.stderr.on('data', (part) => {
      log += part;
    });
    while (!(await this.#answers())) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Orthanc ended:\n${log}`);
      await setTimeout(50);
    }
    const authority = await testAuthority(this.#folder, 'ca');
    const files = await authority.issue('server', 'localhost');
    this.caller = await authority.issue('caller');
    const [key, cert] = [readFileSync(files.key), readFileSync(files.certificate)];
    this.#servers.push(
      createServer({ key, cert }, (incoming, response) => this.#pass(incoming, response)),
      createPlain((incoming, response) => {
        if (!this.meddle(incoming, response)) this.#pass(incoming, response);
      }),
      createServer({ key, cert, ca: readFileSync(this.ca), requestCert: true }, (incoming, response) =>
        this.#pass(incoming, response),
      ),
    );
    for (const server of this.#servers) await once(server.listen(0, '127.0.0.1'), 'listening');
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) server.close();
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = incoming;
    const onward = request({ port: this.#port, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const asked = request(`http://127.0.0.1:${this.#port}/system`, { auth: 'tester:a pass:word' }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      asked.on('error', () => resolve(false));
      asked.end();
    });
  }
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;
