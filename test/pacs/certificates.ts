/** Authorities of tests, and the certificates of DICOM nodes that they sign, as files in PEM. */
import 'reflect-metadata'; // which the next one needs before it is loaded
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { writeSecret } from '../../src/core/index.js';
import { createAuthority, type Validity } from '../../src/federation/certificates.js';

const day = 86_400_000;
const now: Validity = { from: new Date(Date.now() - 2 * day), until: new Date(Date.now() + 2 * day) };
/** Of a certificate that has expired. */
export const past: Validity = { from: now.from, until: new Date(Date.now() - day) };

export interface CertificateFiles {
  certificate: string;
  key: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const { subtle } = globalThis.crypto;
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const der = (key: KeyObject, type: 'pkcs8' | 'spki') => key.export({ type: type as 'pkcs8', format: 'der' });

/** An authority whose certificate is `ca`. */
export async function testAuthority(folder: string, name: string) {
  const { privateKey } = newKey();
  const ca = join(folder, `${name}.pem`);
  writeFileSync(ca, await createAuthority(name, privateKey, now));
  const signingKey = await subtle.importKey('pkcs8', der(privateKey, 'pkcs8'), algorithm, false, ['sign']);
  return {
    ca,
    /** Signs a certificate for either side of a connection. */
    async issue(owner: string, host = '127.0.0.1', validity = now): Promise<CertificateFiles> {
      const own = newKey();
      const names = new SubjectAlternativeNameExtension([{ type: isIP(host) ? 'ip' : 'dns', value: host }]);
      const issued = await X509CertificateGenerator.create({
        ...{ serialNumber: `01${randomBytes(8).toString('hex')}`, subject: `CN=${owner}`, issuer: `CN=graft ${name}` },
        ...{ notBefore: validity.from, notAfter: validity.until, signingKey, signingAlgorithm: algorithm },
        publicKey: await subtle.importKey('spki', der(own.publicKey, 'spki'), algorithm, true, ['verify']),
        extensions: [names],
      });
      const files = { certificate: join(folder, `${name}-${owner}.pem`), key: join(folder, `${name}-${owner}.key`) };
      writeFileSync(files.certificate, issued.toString('pem'));
      writeSecret(files.key, own.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
      return files;
    },
  };
}
