/** The configuration file of a broker for one federation: permissions by certificate, and limits. */
import { shownName } from '../../../core/index.js';
import { federateError } from '../../errors.js';
import { checkServer, isAtLeast } from './addresses.js';
import type { TlsFiles } from './peer.js';
import { type Permissions, permissionsOf } from './places.js';
import { CAPACITY } from './storage.js';

/** Options of `brokerConfiguration`. */
export interface BrokerOptions {
  federation: string;
  /** Subject of the coordinator's certificate, as `openssl x509 -noout -subject -nameopt RFC2253` prints it: `CN=coordinator`. */
  coordinator: string;
  /** Subject of each site's certificate, by the site's name. */
  sites: Readonly<Record<string, string>>;
  /** Where the broker listens: `0.0.0.0:4222`, `[::]:4222`. */
  listen: string;
  /** Where it listens for WebSockets, for sites whose firewall allows only port 443. */
  webSocket?: string | undefined;
  /** Paths on the broker's machine. */
  tls: TlsFiles;
  /** JetStream's folder on the broker's machine. */
  store: string;
  /** As the coordinator's in `natsTransport`. */
  capacity?: number;
  /** As `nats-server --version` prints it; a server does not start with settings that it does not know. */
  version: string;
}

/** Bytes for tasks and states, in addition to two streams of the capacity. */
const BESIDE = 2 ** 28;

/** Text in quotes. @throws GraftError BROKER_SETTING_INVALID */
function quoted(text: string): string {
  if (text === '' || /[\p{C}"\\]/u.test(text)) throw federateError('BROKER_SETTING_INVALID', { text: shownName(text) });
  return `"${text}"`;
}

const list = (subjects: readonly string[]) => `[${subjects.map(quoted).join(', ')}]`;

const userOf = (subject: string, { publish, subscribe }: Permissions) => `    {
      user: ${quoted(subject)}
      permissions: {
        publish: { allow: ${list(publish)} }
        subscribe: { allow: ${list(subscribe)} }
      }
    }`;

const tlsOf = ({ ca, certificate, key }: TlsFiles, indent = '') =>
  [
    `tls: {`,
    `  cert_file: ${quoted(certificate)}`,
    `  key_file: ${quoted(key)}`,
    `  ca_file: ${quoted(ca)}`,
    `  verify_and_map: true  # only peers with a certificate of this authority, identified by its subject`,
    `  timeout: 10`,
    `}`,
  ].join(`\n${indent}`);

/**
 * Makes the text of nats-server's configuration file. A peer's certificate decides what it may do: a site publishes only its
 * own state and updates, and reads only what the coordinator sends.
 *
 * @throws GraftError FEDERATION_NAME_INVALID, BROKER_UNSUITED, BROKER_SETTING_INVALID
 */
export function brokerConfiguration(options: BrokerOptions): string {
  const { federation, coordinator, sites, listen, webSocket, tls, store, capacity = CAPACITY, version } = options;
  checkServer({ version });
  const users = [
    userOf(coordinator, permissionsOf(federation)),
    ...Object.entries(sites).map(([site, subject]) => userOf(subject, permissionsOf(federation, site))),
  ];
  // Sync messages before they are acknowledged. Older servers sync every two minutes; peers send again what was lost.
  const sync = isAtLeast(version, '2.10.0') ? '\n  sync_interval: always' : '';
  const web = webSocket === undefined ? '' : `websocket: {\n  listen: ${quoted(webSocket)}\n  ${tlsOf(tls, '  ')}\n}\n`;
  return `# The federation ${federation}, for nats-server ${version}.
server_name: ${quoted(`graft-${federation}`)}
listen: ${quoted(listen)}
${tlsOf(tls)}
${web}jetstream: {
  store_dir: ${quoted(store)}
  max_file_store: ${2 * capacity + BESIDE}${sync}
}
max_payload: 1048576
# A peer with a slow line has a minute to take what is sent, before the broker closes its connection.
write_deadline: "60s"
authorization: {
  users: [
${users.join('\n')}
  ]
}
`;
}
