/** A private authority for tests, made by openssl: the broker's certificate, and one for each peer. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsFiles } from '../../../src/federate/index.js';
import { newFolder } from '../small.js';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl && process.env.CI) throw new Error('openssl is not installed, and nothing is skipped in CI');

export class Authority {
  readonly #folder = newFolder();
  readonly #file = (name: string) => join(this.#folder, name);

  constructor() {
    this.#openssl(
      'req',
      '-x509',
      ...this.#key('ca'),
      '-subj',
      '/CN=authority',
      '-days',
      '2',
      '-out',
      this.#file('ca.pem'),
    );
  }

  /** @param names that a server's certificate is valid for, such as `IP:127.0.0.1` */
  issue(commonName: string, names: string[] = []): TlsFiles {
    const [ca, certificate, request, extensions] = [
      'ca.pem',
      `${commonName}.pem`,
      `${commonName}.csr`,
      `${commonName}.ext`,
    ].map(this.#file);
    writeFileSync(extensions, names.length > 0 ? `subjectAltName=${names.join(',')}\n` : '');
    this.#openssl('req', ...this.#key(commonName), '-subj', `/CN=${commonName}`, '-out', request);
    const signed = ['-CA', ca, '-CAkey', this.#file('ca.key'), '-CAcreateserial', '-extfile', extensions];
    this.#openssl('x509', '-req', '-in', request, ...signed, '-days', '2', '-out', certificate);
    return { ca, certificate, key: this.#file(`${commonName}.key`) };
  }

  #key(name: string): string[] {
    const file = this.#file(`${name}.key`);
    this.#openssl('ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', file);
    chmodSync(file, 0o600);
    return ['-new', '-key', file];
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'ignore' });
  }
}
