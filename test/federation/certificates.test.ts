/** Certificates as TLS sees them: real handshakes between a broker and a site, right and wrong. */

import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { GraftError } from '../../src/core/index.js';
import { certificateRequest, type Issued, issueCertificate, requestedKey } from '../../src/federation/certificates.js';
import { certificateFault } from '../../src/federation/index.js';
import { newKey } from '../../src/federation/keys.js';
import { checkCertificate } from '../../src/federation/verification.js';
import { errorOf } from '../graft-error.js';
import { inDays, newAuthority } from './parties.js';

const authority = await newAuthority();
const stranger = await newAuthority();
const key = newKey('tls');
const pem = key.export({ type: 'pkcs8', format: 'pem' }) as string;

type From = { authority?: typeof authority; from?: Date; until?: Date };
const issue = (issued: Omit<Issued, 'key'>, { authority: by = authority, ...validity }: From = {}) =>
  issueCertificate(by, { ...issued, key }, validity);

/** What the site's end makes of a handshake: the common name that the broker knows it by, or the error. */
async function handshake({
  server = {},
  hosts = ['127.0.0.1'],
  client = {},
}: {
  server?: From;
  hosts?: string[];
  client?: From;
}) {
  const [cert, own] = await Promise.all([issue({ name: 'broker', hosts }, server), issue({ name: 'site-a' }, client)]);
  const ends = { ca: authority.certificate, key: pem };
  const broker = createServer({ ...ends, cert, requestCert: true, rejectUnauthorized: true }, (socket: TLSSocket) =>
    socket.end(String(socket.getPeerCertificate().subject.CN)),
  );
  broker.on('tlsClientError', () => {});
  broker.listen(0, '127.0.0.1');
  await once(broker, 'listening');
  const { port } = broker.address() as AddressInfo;
  try {
    const socket = connect({ ...ends, cert: own, host: '127.0.0.1', port });
    let told = '';
    for await (const piece of socket) told += piece;
    return { told };
  } catch (error) {
    return { fault: certificateFault(error, { server: 'the broker', client: 'this site' }) };
  } finally {
    broker.close();
  }
}

describe('in a handshake', () => {
  it('both ends of one study know each other', async () => {
    expect(await handshake({})).toEqual({ told: 'site-a' });
  });

  const past = { from: inDays(-9), until: inDays(-1) };
  const future = { from: inDays(1), until: inDays(9) };
  it.each<[string, Parameters<typeof handshake>[0], string, string]>([
    ['an expired broker', { server: past }, 'CERTIFICATE_EXPIRED', 'of the broker'],
    ['a broker of tomorrow', { server: future }, 'CERTIFICATE_EARLY', 'of the broker'],
    ['a foreign broker', { server: { authority: stranger } }, 'CERTIFICATE_FOREIGN', 'of the broker'],
    ['a broker elsewhere', { hosts: ['broker.example.org', '::1'] }, 'CERTIFICATE_OTHER_NAME', 'of the broker'],
  ])('%s is told in one error', async (_, ends, code, owner) => {
    const { fault } = await handshake(ends);
    expect(fault?.code).toBe(code);
    expect(fault?.message).toContain(owner);
  });

  it('a broker lets in no site whose certificate is expired or foreign', async () => {
    for (const client of [past, future, { authority: stranger }])
      expect((await handshake({ client })).told ?? '').toBe('');
  });

  it('a broker’s alert about the site’s certificate is told as such', () => {
    const alert = (name: string) =>
      certificateFault(Object.assign(new Error('alert'), { code: `ERR_SSL_${name}` }), {
        server: 'a',
        client: 'site-a',
      });
    expect(alert('SSLV3_ALERT_CERTIFICATE_EXPIRED')?.code).toBe('CERTIFICATE_EXPIRED');
    expect(alert('TLSV1_ALERT_UNKNOWN_CA')?.message).toContain('of site-a');
    expect(alert('SSLV3_ALERT_BAD_CERTIFICATE')?.code).toBe('CERTIFICATE_FOREIGN');
  });

  it('other failures are none of a certificate', () => {
    expect(certificateFault(new Error('reset'), { server: 'a', client: 'b' })).toBeUndefined();
    const inside = Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' });
    const wrapped = certificateFault(new Error('y', { cause: inside }), { server: 'a', client: 'b' });
    expect(wrapped?.code).toBe('CERTIFICATE_EXPIRED');
  });
});

describe('at its owner’s', () => {
  const code = async (from: From, name = 'site-a', own = key) => {
    const certificate = await issue({ name: 'site-a' }, from);
    try {
      checkCertificate(certificate, { authority: authority.certificate, name, key: own });
      return undefined;
    } catch (error) {
      return (error as GraftError).code;
    }
  };

  it('a certificate is checked for its issuer, name, key and time', async () => {
    expect(await code({})).toBeUndefined();
    expect(await code({ authority: stranger })).toBe('CERTIFICATE_FOREIGN');
    expect(await code({}, 'site-b')).toBe('CERTIFICATE_OTHER_NAME');
    expect(await code({}, 'site-a', newKey('tls'))).toBe('CERTIFICATE_FOREIGN');
    expect(await code({ from: inDays(1) })).toBe('CERTIFICATE_EARLY');
    expect(await code({ until: inDays(-1) })).toBe('CERTIFICATE_EXPIRED');
    const text = { authority: authority.certificate, name: 'site-a', key };
    expect(errorOf(() => checkCertificate('no certificate', text)).code).toBe('CERTIFICATE_FOREIGN');
  });
});

describe('a request for a certificate', () => {
  it('gives the key to whoever has its private part', async () => {
    const request = await certificateRequest('site-a', key);
    const asked = await requestedKey(request, 'site-a');
    expect(asked.equals((await import('node:crypto')).createPublicKey(createPrivateKey(pem)))).toBe(true);
    await expect(requestedKey(request, 'site-b')).rejects.toThrow('another name');
    await expect(requestedKey('junk', 'site-a')).rejects.toThrow('cannot be read');
    const der = Buffer.from(request.replace(/-----.*-----|\n/g, ''), 'base64');
    der[der.length - 3] ^= 1; // in the signature
    const body = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    await expect(requestedKey(body, 'site-a')).rejects.toThrow('not signed with its own key');
  });
});
