/** Whether a certificate can be relied on, at its owner's before it is used and in a TLS handshake: one clear error for each fault. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import type { GraftError } from '../core/index.js';
import { federationError } from './errors.js';

const shown = (date: Date) => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/**
 * Checks a client's certificate as its owner has it.
 *
 * @param pem of the certificate
 * @param expected.authority PEM
 * @param expected.key the owner's private key, which must be the certificate's
 * @throws GraftError CERTIFICATE_EXPIRED, CERTIFICATE_EARLY, CERTIFICATE_FOREIGN, CERTIFICATE_OTHER_NAME
 */
export function checkCertificate(
  pem: string,
  { authority, name, key, now = new Date() }: { authority: string; name: string; key: KeyObject; now?: Date },
): void {
  const foreign = (reason: string, cause?: unknown) =>
    federationError('CERTIFICATE_FOREIGN', { owner: name, reason }, cause);
  let [certificate, issuer] = [] as X509Certificate[];
  try {
    [certificate, issuer] = [new X509Certificate(pem), new X509Certificate(authority)];
  } catch (error) {
    throw foreign('it cannot be read', error);
  }
  if (!issuer.verify(issuer.publicKey)) throw foreign('the authority’s own certificate is damaged');
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) throw foreign('it has another issuer');
  if (certificate.subject !== `CN=${name}`)
    throw federationError('CERTIFICATE_OTHER_NAME', { owner: name, found: certificate.subject.slice(0, 80) });
  if (!certificate.checkPrivateKey(key)) throw foreign('it is for another key');
  const [from, until] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (now < from)
    throw federationError('CERTIFICATE_EARLY', { owner: name, when: `, but from ${shown(from)} on`, now: shown(now) });
  if (now > until)
    throw federationError('CERTIFICATE_EXPIRED', { owner: name, when: ` on ${shown(until)}`, now: shown(now) });
}

/** What Node.js says of a server's certificate, and what a server's alert says of the client's. */
const faults: [code: RegExp, owner: 'server' | 'client', fault: 'early' | 'expired' | 'foreign' | 'name'][] = [
  [/^CERT_HAS_EXPIRED$/, 'server', 'expired'],
  [/^CERT_NOT_YET_VALID$/, 'server', 'early'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'server', 'name'],
  [/^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED)/, 'server', 'foreign'],
  [/ALERT_CERTIFICATE_EXPIRED$/, 'client', 'expired'],
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR)$/,
    'client',
    'foreign',
  ],
];

/**
 * The error of a connection that failed because of a certificate; undefined where it failed for another reason.
 *
 * @param error as a TLS socket or a client above it gives it
 * @param names what messages call the two ends
 */
export function certificateFault(
  error: unknown,
  names: { server: string; client: string },
  now = new Date(),
): GraftError | undefined {
  for (let one = error; one instanceof Error; one = one.cause as unknown) {
    const { code = '', message, reason } = one as NodeJS.ErrnoException & { reason?: string };
    const found = faults.find(([pattern]) => pattern.test(code));
    if (!found) continue;
    const [, end, fault] = found;
    const owner = names[end];
    if (fault === 'name') return federationError('CERTIFICATE_OTHER_NAME', { owner, found: reason ?? message }, error);
    if (fault === 'foreign') return federationError('CERTIFICATE_FOREIGN', { owner, reason: message }, error);
    const code2 = fault === 'early' ? 'CERTIFICATE_EARLY' : 'CERTIFICATE_EXPIRED';
    return federationError(code2, { owner, when: '', now: shown(now) }, error);
  }
  return undefined;
}
