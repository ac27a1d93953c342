/**
 * X.509 certificates (RFC 5280) of one study: its authority, the broker's certificate for the broker's addresses, and one
 * for the coordinator and for each site, whose common name is the site's and which opens connections but accepts none.
 */
import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { X509Certificate } from '@peculiar/x509';
import { publicDer } from './keys.js';

/** Loaded by those who issue or ask for certificates alone: the programs of a study, which start often, only use them. */
async function library() {
  await import('reflect-metadata'); // which it needs before it is loaded
  return import('@peculiar/x509');
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const { subtle } = globalThis.crypto;

const privateKeyOf = (key: KeyObject) =>
  subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), algorithm, false, ['sign']);
const publicKeyOf = (key: KeyObject) => subtle.importKey('spki', publicDer(key), algorithm, true, ['verify']);
const keyPairOf = async (key: KeyObject) => ({
  privateKey: await privateKeyOf(key),
  publicKey: await publicKeyOf(key),
});

/** When a certificate is valid. */
export interface Validity {
  from: Date;
  until: Date;
}

const newSerial = () => `01${randomBytes(15).toString('hex')}`;

/** The study's authority. @param key private, P-256 @returns PEM */
export async function createAuthority(study: string, key: KeyObject, validity: Validity): Promise<string> {
  const x509 = await library();
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const keys = await keyPairOf(key);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: newSerial(), name: `CN=graft ${study}`, keys, signingAlgorithm: algorithm },
    ...{ notBefore: validity.from, notAfter: validity.until },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pemOf(certificate);
}

const pemOf = (certificate: X509Certificate) => `${certificate.toString('pem')}\n`;

export interface Authority {
  /** PEM. */
  certificate: string;
  /** Private. */
  key: KeyObject;
}

/** What a certificate is issued for. */
export interface Issued {
  /** Its common name. */
  name: string;
  /** The owner's, P-256; of a private key only the public part is used. */
  key: KeyObject;
  /** Names and addresses of a server; without them it is a client's. */
  hosts?: readonly string[];
}

/** Issues a certificate that ends with the authority's own. @param from default: an hour ago, as clocks differ @returns PEM */
export async function issueCertificate(
  { certificate, key: signingKey }: Authority,
  { name, key, hosts }: Issued,
  validity: Partial<Validity> = {},
): Promise<string> {
  const x509 = await library();
  const authority = new x509.X509Certificate(certificate);
  const { from = new Date(Date.now() - 3_600_000), until = authority.notAfter } = validity;
  const publicKey = await publicKeyOf(key);
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const issued = await x509.X509CertificateGenerator.create({
    ...{ serialNumber: newSerial(), subject: `CN=${name}`, issuer: authority.subject, publicKey },
    ...{ notBefore: from, notAfter: until, signingKey: await privateKeyOf(signingKey), signingAlgorithm: algorithm },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([hosts ? serverAuth : clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(await publicKeyOf(signingKey)),
      ...(hosts ? [new x509.SubjectAlternativeNameExtension(hosts.map(alternativeName))] : []),
    ],
  });
  return pemOf(issued);
}

const alternativeName = (host: string) => ({ type: isIP(host) ? ('ip' as const) : ('dns' as const), value: host });

/** Asks for a certificate (PKCS #10, RFC 2986). @param key private, P-256 @returns PEM */
export async function certificateRequest(name: string, key: KeyObject): Promise<string> {
  const { Pkcs10CertificateRequestGenerator } = await library();
  const request = await Pkcs10CertificateRequestGenerator.create({
    ...{ name: `CN=${name}`, keys: await keyPairOf(key), signingAlgorithm: algorithm },
  });
  return `${request.toString('pem')}\n`;
}

/**
 * The public key that a request asks a certificate for; the maker of the request has the private one.
 *
 * @throws Error that says why the request cannot be answered
 */
export async function requestedKey(pem: string, name: string): Promise<KeyObject> {
  const { Pkcs10CertificateRequest } = await library();
  let request: InstanceType<typeof Pkcs10CertificateRequest>;
  try {
    request = new Pkcs10CertificateRequest(pem);
  } catch {
    throw new Error('its request for a certificate cannot be read');
  }
  if (request.subject !== `CN=${name}`) throw new Error('its request for a certificate is for another name');
  const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error('its request for a certificate is not for a P-256 key');
  if (!(await request.verify())) throw new Error('its request for a certificate is not signed with its own key');
  return key;
}
