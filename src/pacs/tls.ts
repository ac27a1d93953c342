/**
 * TLS on both sides: certificates and keys from files, connections of DICOM's own protocol over it, and what goes wrong there
 * in words. Those connections keep to BCP 195 as DICOM asks (PS3.15 B.12, RFC 9325): TLS 1.2 and newer, keys agreed on for
 * each connection, ciphers that authenticate what they encrypt, and keys of at least 112 bits of security.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { connect, createSecureContext, createServer, rootCertificates, type TLSSocket } from 'node:tls';
import { type GraftError, readFault, readRegular, readSecret } from '../core/index.js';
import { pacsError } from './errors.js';

/** Files in PEM. */
export interface TlsFiles {
  /** Authorities that the other side's certificate is checked by, beside those of the system. */
  ca?: string | undefined;
  /** The certificate by which graft names itself, with those between it and its authority behind it. */
  certificate?: string | undefined;
  /** Its private key, which its owner alone may read. */
  key?: string | undefined;
}

/** What they hold, under the names that Node.js has for it. */
export interface TlsMaterial {
  ca?: string[];
  cert?: string;
  key?: string;
}

const profile = {
  minVersion: 'TLSv1.2',
  ciphers: [
    ...['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
    ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
    '@SECLEVEL=2',
  ].join(':'),
} as const;

/** Milliseconds for the handshake of a caller. */
const handshakeTimeout = 30_000;

const largestFile = 2 ** 20;

/** @throws GraftError PACS_TLS_FILE; SECRET_EXPOSED where others may read the key */
export function tlsMaterial({ ca, certificate, key }: TlsFiles): TlsMaterial {
  return {
    ...(ca !== undefined && { ca: [...rootCertificates, certificatesIn(ca)] }),
    ...identityIn(certificate, key),
  };
}

const unfit = (file: string, expected: string, cause?: unknown) =>
  pacsError('PACS_TLS_FILE', { file, expected }, cause);

/** @returns PEM */
function certificatesIn(file: string): string {
  let pem: string;
  try {
    pem = readRegular(file, largestFile).toString('latin1');
  } catch (error) {
    throw unfit(file, `a certificate in PEM; ${readFault(error)}`, error);
  }
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw unfit(file, 'a certificate in PEM (-----BEGIN CERTIFICATE-----)', error);
  }
  return pem;
}

/** graft's own certificate and its key; undefined where neither is named. */
function identityIn(file: string | undefined, keyFile: string | undefined): { cert: string; key: string } | undefined {
  if (file === undefined && keyFile === undefined) return undefined;
  if (file === undefined) throw unfit(keyFile!, 'its certificate beside it (--certificate)');
  const cert = certificatesIn(file);
  const certificate = new X509Certificate(cert);
  const { validFrom, validTo } = certificate;
  const now = Date.now();
  if (now < Date.parse(validFrom) || now > Date.parse(validTo))
    throw unfit(file, `a certificate that is valid now; this one is from ${validFrom} until ${validTo}`);
  if (keyFile === undefined) throw unfit(file, 'the key of this certificate beside it (--key)');
  const key = readSecret(keyFile)?.toString('latin1');
  if (key === undefined) throw unfit(keyFile, 'a private key in PEM; there is no such file');
  const belongs = () => {
    try {
      return certificate.checkPrivateKey(createPrivateKey(key));
    } catch (error) {
      throw unfit(keyFile, 'a private key in PEM, without a password', error);
    }
  };
  if (!belongs()) throw unfit(keyFile, `the key of the certificate in ${file}`);
  try {
    createSecureContext({ ...profile, cert, key });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code ? worded(code.replace(/^ERR_SSL_/, '')) : message;
    throw unfit(file, `a certificate as safe as RSA of 2048 bits or P-256, with SHA-256 (${reason})`, error);
  }
  return { cert, key };
}

/** A connection to a host over TLS; it is being made. */
export const connectSecurely = (to: { host: string; port: number }, material: TlsMaterial): TLSSocket =>
  connect({ ...profile, ...material, ...to, ...(isIP(to.host) === 0 && { servername: to.host }) });

/** How callers are met: by which certificate, and whose certificates they need; of nobody: they need none. */
export interface TlsService {
  cert: string;
  key: string;
  /** Authorities in PEM. */
  callersCa: string | undefined;
}

/** @returns undefined where no certificate is named @throws as `tlsMaterial` */
export function tlsService({
  certificate,
  key,
  callersCa,
}: Omit<TlsFiles, 'ca'> & { callersCa?: string | undefined }): TlsService | undefined {
  const identity = identityIn(certificate, key);
  return identity && { ...identity, callersCa: callersCa === undefined ? undefined : certificatesIn(callersCa) };
}

/**
 * A caller's connection as TLS.
 *
 * @param signal ends the handshake
 * @throws Error of TLS, or of the caller's certificate; its code says which
 */
export async function securely(
  socket: Socket,
  { cert, key, callersCa: ca }: TlsService,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const destroy = () => socket.destroy();
  signal.addEventListener('abort', destroy);
  try {
    signal.throwIfAborted();
    const callers = { requestCert: ca !== undefined, rejectUnauthorized: true, ...(ca !== undefined && { ca }) };
    const server = createServer({ ...profile, cert, key, ...callers, handshakeTimeout });
    // The reason why a certificate is not believed is in the connection, not in the error.
    server.on('tlsClientError', (error, { authorizationError }) =>
      server.emit('error', authorizationError ? Object.assign(error, { code: String(authorizationError) }) : error),
    );
    const secured = once(server, 'secureConnection');
    server.emit('connection', socket);
    return (await secured)[0];
  } catch (error) {
    destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', destroy);
  }
}

const ofTheirs = /CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|KEY_TOO_SMALL|MD_TOO_WEAK/;
const ofOurs = /ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)$/;

/** An error of a connection as one that says what is wrong with TLS; undefined where it is none of that. */
export function tlsFault(host: string, error: unknown): GraftError | undefined {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const [, told] = ofOurs.exec(code) ?? [];
  if (told) return pacsError('PACS_OWN_CERTIFICATE', { host, reason: worded(told) }, error);
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return pacsError('PACS_TLS', { host, reason: worded(code.replace(/^ERR_SSL_/, '')) }, error);
  if (ofTheirs.test(code)) return pacsError('PACS_CERTIFICATE', { host, reason: message }, error);
  return undefined;
}

const worded = (code: string) => code.toLowerCase().replaceAll('_', ' ');
