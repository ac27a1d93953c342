/** The broker's addresses, the certificates there, and which brokers can be used. */
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { readSecret } from '../../../core/index.js';
import { federateError } from '../../errors.js';
import type { TlsFiles } from './peer.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');
/** Whether a host, without brackets, is this machine itself. */
export const isLocal = (host: string): boolean =>
  host === 'localhost' || (isIP(host) > 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'));

const hostOf = (url: URL) => url.hostname.replace(/^\[|\]$/g, '');

/**
 * Checks a broker's certificate against its host name or, for brokers given by IP addresses, against these. The client
 * passes `localhost` instead of any IP address, which is not good enough.
 */
export function identityOf(servers: readonly string[]) {
  const hosts = servers.map((address) => hostOf(new URL(address)));
  return (name: string, certificate: PeerCertificate): Error | undefined => {
    const local = name === 'localhost' ? hosts.filter((host) => host === name || isIP(host) > 0) : [];
    const faults = (local.length > 0 ? local : [name]).map((one) => checkServerIdentity(one, certificate));
    return faults.includes(undefined) ? undefined : faults[0];
  };
}

const schemes = { sockets: ['nats:', 'tls:'], web: ['ws:', 'wss:'] };

/**
 * Checks addresses before a connection is made.
 *
 * @returns whether they are WebSockets
 * @throws GraftError BROKER_ADDRESS_INVALID, BROKER_INSECURE
 */
export function checkAddresses(servers: readonly string[], tls: TlsFiles | undefined, proxy?: string): boolean {
  const invalid = (address: string, reason: string) => federateError('BROKER_ADDRESS_INVALID', { address, reason });
  const parsed = servers.map((address) => {
    const url = URL.parse?.(address) ?? (URL.canParse(address) ? new URL(address) : undefined);
    if (!url?.host) throw invalid(address, 'it is not of the form tls://broker.example:4222');
    if (![...schemes.sockets, ...schemes.web].includes(url.protocol))
      throw invalid(address, `${url.protocol}// is unknown; tls://, nats://, wss:// and ws:// are known`);
    const local = isLocal(hostOf(url));
    if (!local && (!tls || url.protocol === 'ws:')) throw federateError('BROKER_INSECURE', { address });
    return { address, web: schemes.web.includes(url.protocol) };
  });
  if (parsed.length === 0) throw invalid('', 'there is none');
  const other = parsed.find(({ web }) => web !== parsed[0].web);
  if (other) throw invalid(other.address, 'WebSockets and others cannot be mixed');
  const { web } = parsed[0];
  if (proxy !== undefined && !web) throw invalid(parsed[0].address, 'only wss:// can go through an HTTP proxy');
  if (proxy !== undefined && !/^http:\/\/[^/]+\/?$/.test(proxy)) throw invalid(proxy, 'a proxy is http://host:port');
  return web;
}

/** @throws GraftError CERTIFICATE_MISSING, SECRET_EXPOSED */
export function checkFiles({ ca, certificate, key }: TlsFiles): void {
  for (const file of [ca, certificate, key])
    try {
      if ((file === key ? readSecret(file) : readFileSync(file)) === undefined) throw new Error('it is missing');
    } catch (error) {
      if ((error as { code?: string }).code === 'SECRET_EXPOSED') throw error;
      throw federateError('CERTIFICATE_MISSING', { file, reason: (error as Error).message }, error);
    }
}

const numbersOf = (version: string) => version.split(/[.-]/, 3).map(Number);
/** Whether a version, such as 2.9.10, is at least another one. */
export function isAtLeast(version: string, other: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(other)];
  const i = a.findIndex((number, k) => number !== b[k]);
  return i < 0 || a[i] > b[i];
}

/**
 * Refuses a broker that cannot keep messages, or that is known to lose them.
 *
 * @throws GraftError BROKER_UNSUITED
 */
export function checkServer({ version, jetstream = true }: { version: string; jetstream?: boolean | undefined }): void {
  const unsuited = (reason: string) => federateError('BROKER_UNSUITED', { version, reason });
  if (!isAtLeast(version, '2.9.0')) throw unsuited('it cannot give single messages, which 2.9 and newer can');
  if (isAtLeast(version, '2.10.20') && !isAtLeast(version, '2.10.23'))
    throw unsuited('2.10.20 to 2.10.22 can lose a stream in a crash');
  if (!jetstream) throw unsuited('JetStream is not enabled');
}
