/** What runs the broker and the coordinator of one study: configuration, unit and compose files, from those in `deploy/`. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../core/index.js';
import { brokerConfiguration, isLocal } from '../federate/index.js';
import { parseAddress } from './addresses.js';
import { type Member, readMembers } from './members.js';
import { brokerFiles, coordinatorPlaces } from './places.js';
import { readSettings } from './settings.js';
import { type StudySettings, studySettingsSchema } from './study-settings.js';

/** In production where none is installed here; also in deploy/compose.yaml. */
const SERVER = '2.12.6';

/** The version of the nats-server that is installed on this machine, or the one to install. */
export function serverVersion(): string {
  const { stdout } = spawnSync('nats-server', ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return /v(\d+\.\d+\.\d+\S*)/.exec(stdout ?? '')?.[1] ?? SERVER;
}

const bracketed = (host: string) => (isIP(host) === 6 ? `[${host}]` : host);

/** Where the broker listens: on all of its machine's addresses, unless the study stays on one machine. */
function listening(addresses: readonly string[], web: boolean): string | undefined {
  const found = addresses.map(parseAddress).find((one) => one.web === web);
  return found && `${isLocal(found.host) ? bracketed(found.host) : '0.0.0.0'}:${found.port}`;
}

/**
 * Writes the broker's configuration, in which nobody but the coordinator and the members that are admitted may do anything.
 * Paths in it are relative: the broker runs in its folder.
 */
export function writeBroker(
  folder: string,
  { name, broker: { addresses, version = serverVersion() } }: StudySettings,
  members: readonly Member[],
): void {
  const { configuration, tls, store } = brokerFiles;
  const sites = Object.fromEntries(
    members.map(({ name: site, revoked }) => [site, revoked ? undefined : `CN=${site}`]),
  );
  const webSocket = listening(addresses, true);
  // The server always listens for plain connections too; where the study names no address for them, nobody outside can.
  const listen = listening(addresses, false) ?? '127.0.0.1:4222';
  const text = brokerConfiguration({
    ...{ federation: name, coordinator: 'CN=coordinator', sites, listen, webSocket, tls, store, version },
  });
  writeFileAtomic(join(coordinatorPlaces(folder).broker, configuration), text);
}

/**
 * Writes the broker's configuration anew where an earlier version wrote it, under which all peers were in one account.
 *
 * @returns whether it did; a broker that runs has to be started again then
 * @throws GraftError SETTINGS_INVALID, SETTINGS_UNKNOWN_KEY, MEMBERS_DAMAGED, WRITE_FAILED
 */
export function renewBroker(folder: string): boolean {
  const { broker, settings, members } = coordinatorPlaces(folder);
  const file = join(broker, brokerFiles.configuration);
  if (!existsSync(file) || /^accounts: /m.test(readFileSync(file, 'utf8'))) return false;
  writeBroker(folder, readSettings(studySettingsSchema, settings), readMembers(members));
  return true;
}

/** As they are in `deploy/`, where they are whole files for a folder and a server that are usual. */
const usual = { folder: '/var/lib/graft/fed', image: `nats:${SERVER}`, port: '"4222:4222"' };

/**
 * Writes unit files and a compose file into the folder.
 *
 * @param home where the folder is going to lie
 */
export function writeDeployment(folder: string, home: string, { broker: { addresses, version } }: StudySettings): void {
  const ports = [...new Set(addresses.map((address) => parseAddress(address).port))];
  const changes: [string, string][] = [
    [usual.folder, resolve(home)],
    [usual.image, `nats:${version}`],
    [usual.port, ports.map((port) => `"${port}:${port}"`).join(', ')],
  ];
  for (const name of ['graft-broker.service', 'graft-coordinator.service', 'compose.yaml']) {
    const template = readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');
    writeFileAtomic(
      join(folder, name),
      changes.reduce((text, [from, to]) => text.replaceAll(from, to), template),
    );
  }
}
