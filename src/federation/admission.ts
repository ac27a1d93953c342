/** Admitting and revoking sites: the list of members, and what follows from it for the broker. */
import { readRegularText } from '../core/index.js';
import { issueCertificate } from './certificates.js';
import { openCoordinatorFolder } from './coordinator-folder.js';
import { writeBroker } from './deployment.js';
import { digestOf, journalOf } from './journals.js';
import { readKey } from './keys.js';
import { type KitContent, kitFormat } from './kit.js';
import { changeMembers, type Member, withMember, withoutMember } from './members.js';
import { coordinatorPlaces, readPem } from './places.js';
import type { SiteRequest } from './request.js';
import { readSettings } from './settings.js';
import { type Signed, signed } from './signed.js';
import { studySettingsSchema } from './study-settings.js';
import { wordsOf } from './words.js';

/**
 * Admits a site whose request people have confirmed, or gives one that was admitted before another kit.
 *
 * @returns the kit
 * @throws GraftError as `openCoordinatorFolder`; MEMBER_REVOKED, MEMBER_OTHER_KEYS, MEMBERS_IN_USE, WRITE_FAILED
 */
export async function admitSite(folder: string, { name, keys, tls }: SiteRequest): Promise<Signed<KitContent>> {
  const { keys: own, study: agreed } = openCoordinatorFolder(folder);
  const places = coordinatorPlaces(folder);
  const certificate = readPem(places.tls.ca);
  const authority = { certificate, key: readKey(places.authorityKey, 'tls') };
  const issued = await issueCertificate(authority, { name, key: tls });
  const journal = journalOf(folder, 'coordinator', own);
  change(folder, (members) => withMember(members, { name, keys }, { folder, now: new Date() }));
  const study = JSON.parse(readRegularText(places.study)) as Signed<object>;
  journal.note({
    ...{ act: 'site.admitted', subject: name, hashes: { study: digestOf(agreed) }, details: { words: wordsOf(keys) } },
  });
  return signed(
    { format: kitFormat, study, site: { name, keys }, authority: certificate, certificate: issued },
    own.signing,
  );
}

/**
 * Revokes a site for good: the broker's configuration names it no more, and the coordinator takes nothing from it.
 *
 * @throws GraftError as `openCoordinatorFolder`; MEMBER_UNKNOWN, MEMBERS_IN_USE, WRITE_FAILED
 */
export function revokeSite(folder: string, name: string): void {
  const { keys } = openCoordinatorFolder(folder);
  const journal = journalOf(folder, 'coordinator', keys);
  change(folder, (members) => withoutMember(members, name, { folder, now: new Date() }));
  journal.note({ act: 'site.revoked', subject: name });
}

function change(folder: string, of: (members: readonly Member[]) => Member[]): void {
  const { members, settings } = coordinatorPlaces(folder);
  const study = readSettings(studySettingsSchema, settings);
  changeMembers(members, of, (all) => writeBroker(folder, study, all));
}
