/** Where things lie in the coordinator's folder and in a hospital's; docs/federation.md shows both. */
import { join } from 'node:path';
import { readRegularText } from '../core/index.js';
import type { TlsFiles } from '../federate/index.js';

/** A certificate's text. */
export const readPem = (file: string): string => readRegularText(file, 2 ** 16);

export const coordinatorPlaces = (folder: string) => ({
  /** What the study was made from, with every default. */
  settings: join(folder, 'study.yaml'),
  /** The signed study. */
  study: join(folder, 'study.json'),
  /** The base model, which every site needs, and what travels at its initial values. */
  model: join(folder, 'model.safetensors'),
  start: join(folder, 'start.safetensors'),
  members: join(folder, 'members.json'),
  keys: join(folder, 'keys'),
  authorityKey: join(folder, 'keys', 'authority.pem'),
  tls: {
    ca: join(folder, 'tls', 'ca.pem'),
    certificate: join(folder, 'tls', 'coordinator.pem'),
    key: join(folder, 'keys', 'tls.pem'),
  } satisfies TlsFiles,
  /** All that the broker needs; it may be copied to another machine. */
  broker: join(folder, 'broker'),
});

/** In the broker's folder, which is the broker's working directory. */
export const brokerFiles = {
  configuration: 'nats.conf',
  tls: { ca: 'ca.pem', certificate: 'broker.pem', key: 'broker.key' } satisfies TlsFiles,
  store: 'store',
};

export const sitePlaces = (folder: string) => ({
  keys: join(folder, 'keys'),
  policy: join(folder, 'policy.yaml'),
  /** From the kit, but for the key. */
  tls: {
    ca: join(folder, 'tls', 'ca.pem'),
    certificate: join(folder, 'tls', 'site.pem'),
    key: join(folder, 'keys', 'tls.pem'),
  } satisfies TlsFiles,
});
