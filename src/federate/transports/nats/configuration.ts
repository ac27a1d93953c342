/**
 * The configuration file of a broker for one federation: accounts and permissions by certificate, and limits.
 *
 * Permissions alone do not hold a site: a broker checks the subject of a message, but not the one that an answer goes to, so a
 * site that asks for its own state, which can be anything, could have it published anywhere. Hence each site has an account of
 * its own, from which nothing leads out but the subjects that it may publish on, and into which nothing leads but the task and
 * the answers. The streams are in the coordinator's account.
 */
import { shownName } from '../../../core/index.js';
import { federateError } from '../../errors.js';
import { checkServer, isAtLeast } from './addresses.js';
import type { TlsFiles } from './peer.js';
import { type Permissions, permissionsOf, placesOf } from './places.js';
import { CAPACITY } from './storage.js';

/** Options of `brokerConfiguration`. */
export interface BrokerOptions {
  federation: string;
  /** Subject of the coordinator's certificate, as `openssl x509 -noout -subject -nameopt RFC2253` prints it: `CN=coordinator`. */
  coordinator: string;
  /**
   * Subject of each site's certificate, by the site's name, in the order in which they came; undefined for one that may do
   * nothing any more, whose account stays empty so that the others keep theirs.
   */
  sites: Readonly<Record<string, string | undefined>>;
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

const listOf = (lines: readonly string[]) =>
  lines.length === 0 ? '[]' : `[\n${lines.map((line) => `      ${line}\n`).join('')}    ]`;

const userOf = (subject: string, { publish, subscribe }: Permissions) =>
  `{ user: ${quoted(subject)}, permissions: { publish: { allow: ${list(publish)} }, subscribe: { allow: ${list(subscribe)} } } }`;

/**
 * Accounts without a site, in addition to those that have one. A server that reads its configuration again connects an account
 * with others only if it was there before, so those of sites that are admitted later are there from the beginning.
 */
const SPARE = 16;
/** The coordinator's account, in which are the streams. */
const OWNER = 'coordinator';

interface Seat extends Permissions {
  account: string;
  /** Of its certificate. */
  subject: string | undefined;
}

function accountsOf({ federation, coordinator, sites }: BrokerOptions): string {
  const task = placesOf(federation).task.subject;
  const seats = Object.entries(sites).map(
    ([site, subject], index): Seat => ({ account: `site-${index + 1}`, subject, ...permissionsOf(federation, site) }),
  );
  const taken = seats.filter(({ subject }) => subject !== undefined);
  const usersOf = new Map<string, string[]>();
  for (const { account, publish } of taken)
    for (const service of publish) usersOf.set(service, [...(usersOf.get(service) ?? []), account]);
  const exports = [...usersOf].map(([service, by]) => `{ service: ${quoted(service)}, accounts: ${list(by)} }`);
  if (taken.length > 0)
    exports.push(`{ stream: ${quoted(task)}, accounts: ${list(taken.map((seat) => seat.account))} }`);
  const importOf = (kind: string, subject: string) =>
    `{ ${kind}: { account: ${quoted(OWNER)}, subject: ${quoted(subject)} } }`;
  const accountOf = ({ account, subject, ...permissions }: Seat) =>
    subject === undefined
      ? emptyOf(account)
      : `  ${quoted(account)}: {
    users: ${listOf([userOf(subject, permissions)])}
    imports: ${listOf([...permissions.publish.map((service) => importOf('service', service)), importOf('stream', task)])}
  }`;
  const emptyOf = (account: string) => `  ${quoted(account)}: { users: [], imports: [] }`;
  return `accounts: {
  ${quoted(OWNER)}: {
    jetstream: enabled
    users: ${listOf([userOf(coordinator, permissionsOf(federation))])}
    exports: ${listOf(exports)}
  }
${seats.map(accountOf).join('\n')}
${Array.from({ length: SPARE }, (_, k) => emptyOf(`site-${seats.length + k + 1}`)).join('\n')}
}
`;
}

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
 * own state, updates and pulse, and reads only these and what the coordinator sends. A server that runs may read a new text
 * again as long as no more than 16 sites came since the last.
 *
 * @throws GraftError FEDERATION_NAME_INVALID, BROKER_UNSUITED, BROKER_SETTING_INVALID
 */
export function brokerConfiguration(options: BrokerOptions): string {
  const { federation, listen, webSocket, tls, store, capacity = CAPACITY, version } = options;
  checkServer({ version });
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
${accountsOf(options)}`;
}
