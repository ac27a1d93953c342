/** A hospital's folder: its keys, its policy, and what its site takes from a kit. */
import { existsSync } from 'node:fs';
import { writeFileAtomic } from '../core/index.js';
import type { TlsFiles } from '../federate/index.js';
import { federationError } from './errors.js';
import { makeKeys, type PartyKeys, type PublicKeys, publicKeysOf, readKeys } from './keys.js';
import { checkKitKeys, readKit } from './kit.js';
import { checkName } from './names.js';
import { readPem, sitePlaces } from './places.js';
import { checkStudy, examplePolicy, type Policy, readPolicy } from './policy.js';
import { makeRequest } from './request.js';
import { textOf } from './signed.js';
import { checkVersion, type Study } from './study.js';
import { checkCertificate } from './verification.js';
import { areWords, wordsOf } from './words.js';

export interface Site {
  name: string;
  folder: string;
  study: Study;
  keys: PartyKeys;
  tls: TlsFiles;
  /** Whose tasks the site takes; `words` are for people to compare. */
  coordinator: PublicKeys & { words: string };
  policy: Policy;
}

/**
 * Makes a site's keys and its policy, where there are none, and writes its request.
 *
 * @returns six words, for people to compare
 * @throws GraftError PARTY_NAME_INVALID, KEY_UNUSABLE, SECRET_EXPOSED, WRITE_FAILED
 */
export async function requestAdmission(
  name: string,
  { folder, out }: { folder: string; out: string },
): Promise<string> {
  checkName(name, 'site');
  const places = sitePlaces(folder);
  const keys = makeKeys(places.keys);
  if (!existsSync(places.policy)) writeFileAtomic(places.policy, examplePolicy());
  writeFileAtomic(out, textOf(await makeRequest(name, keys)));
  return wordsOf(publicKeysOf(keys));
}

/**
 * Opens a kit with the keys and the policy in a site's folder, and puts the kit's certificates there. Nothing else of the
 * kit is used before its signatures, its keys, its certificate and the policy allow it.
 *
 * @param now for the validity of the site's certificate
 * @throws GraftError DOCUMENT_INVALID, STUDY_OTHER_VERSION, KEY_MISSING, KEY_UNUSABLE, SECRET_EXPOSED, KIT_OTHER_KEYS,
 * CERTIFICATE_EXPIRED, CERTIFICATE_EARLY, CERTIFICATE_FOREIGN, CERTIFICATE_OTHER_NAME, SETTINGS_INVALID, COORDINATOR_OTHER,
 * POLICY_REFUSES, WRITE_FAILED
 */
export function openSite(file: string, folder: string, { now = new Date() } = {}): Site {
  const places = sitePlaces(folder);
  const kit = readKit(file);
  const { study, site, authority, certificate } = kit;
  checkVersion(study, file);
  const keys = readKeys(places.keys);
  checkKitKeys(kit, keys, { file, folder });
  checkCertificate(certificate, { authority, name: site.name, key: keys.tls, now });
  const policy = readPolicy(places.policy);
  const words = wordsOf(study.coordinator);
  const { coordinator: expected } = policy.rules;
  if (expected !== null && !areWords(expected, words))
    throw federationError('COORDINATOR_OTHER', { file, found: words, policy: policy.file, expected });
  checkStudy(policy, study);
  writeOnce(places.tls.ca, authority);
  writeOnce(places.tls.certificate, certificate);
  return {
    name: site.name,
    folder,
    study,
    keys,
    tls: places.tls,
    coordinator: { ...study.coordinator, words },
    policy,
  };
}

const writeOnce = (file: string, text: string): void => {
  if (!existsSync(file) || readPem(file) !== text) writeFileAtomic(file, text);
};
