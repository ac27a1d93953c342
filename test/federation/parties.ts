/** A coordinator and a hospital for tests, without models: keys, a signed study, a kit. */
import { join } from 'node:path';
import { version } from '../../src/core/index.js';
import { federationSchema } from '../../src/federate/index.js';
import { type Authority, createAuthority, issueCertificate } from '../../src/federation/certificates.js';
import { makeKeys, newKey, type PartyKeys, publicKeysOf } from '../../src/federation/keys.js';
import { type KitContent, kitFormat } from '../../src/federation/kit.js';
import { type Signed, signed } from '../../src/federation/signed.js';
import type { Study } from '../../src/federation/study.js';
import { localTrainingSchema } from '../../src/finetune/index.js';
import { newFolder } from '../new-folder.js';

const day = 86_400_000;
/** Days from now. */
export const inDays = (days: number): Date => new Date(Date.now() + days * day);

export async function newAuthority(name = 'brain'): Promise<Authority> {
  const key = newKey('tls');
  return { key, certificate: await createAuthority(name, key, { from: inDays(-10), until: inDays(30) }) };
}

export const studyOf = (coordinator: PartyKeys, changes: Partial<Study> = {}): Signed<Study> =>
  signed(
    {
      ...{
        format: 'graft study 1',
        name: 'brain',
        title: 'Brains',
        created: new Date(0).toISOString(),
        graft: version,
      },
      ...{ coordinator: publicKeysOf(coordinator), broker: ['tls://broker.example.org:4222'] },
      base: { fingerprint: 'a'.repeat(64), sha256: 'b'.repeat(64), bytes: 1000 },
      ...{ plan: 'convlora', adapter: { rank: 2 }, training: localTrainingSchema.parse({}) },
      federation: federationSchema.parse({ rounds: 20 }),
      privacy: { metrics: ['loss'], minCases: 2 },
      recipe: 'title: Brains\n# ä, “quotes” and \\ are kept\n',
      ...changes,
    },
    coordinator.signing,
  );

/** The hospital's folder with its keys, the coordinator's keys, the authority, and what is in a kit. */
export async function newParties() {
  const folder = newFolder();
  const site = makeKeys(join(folder, 'site-a', 'keys'));
  const coordinator = makeKeys(join(folder, 'coordinator'));
  const authority = await newAuthority();
  const content: KitContent = {
    format: kitFormat,
    study: studyOf(coordinator),
    site: { name: 'site-a', keys: publicKeysOf(site) },
    authority: authority.certificate,
    certificate: await issueCertificate(authority, { name: 'site-a', key: site.tls }),
  };
  return { folder, siteFolder: join(folder, 'site-a'), site, coordinator, authority, content };
}
