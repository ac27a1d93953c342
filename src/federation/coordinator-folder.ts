/** The coordinator's folder: what a study's coordinator runs from. */
import { existsSync } from 'node:fs';
import type { TlsFiles } from '../federate/index.js';
import { federationError } from './errors.js';
import { type PartyKeys, publicKeysOf, readKeys } from './keys.js';
import { admittedOf, type Member, readMembers } from './members.js';
import { coordinatorPlaces, readPem } from './places.js';
import { readDocument } from './signed.js';
import { checkVersion, type Study, studyKind } from './study.js';
import { checkCertificate } from './verification.js';
import { wordsOf } from './words.js';

export interface CoordinatorFolder {
  folder: string;
  study: Study;
  keys: PartyKeys;
  /** Six words of the coordinator's key. */
  words: string;
  tls: TlsFiles;
  /** The file of the base model, and the one that `loadFederationStart` reads. */
  model: string;
  start: string;
  /** The broker's folder, with its configuration. */
  broker: string;
  /** Those that may take part; the list is read anew at every call, so a revocation counts from the next one on. */
  members(): Member[];
}

/**
 * Opens the folder that `createFederation` made.
 *
 * @param now for the validity of the coordinator's certificate
 * @throws GraftError COORDINATOR_FOLDER, DOCUMENT_INVALID, STUDY_OTHER_VERSION, KEY_MISSING, KEY_UNUSABLE, SECRET_EXPOSED,
 * CERTIFICATE_EXPIRED, CERTIFICATE_EARLY, CERTIFICATE_FOREIGN, MEMBERS_DAMAGED
 */
export function openCoordinatorFolder(folder: string, { now = new Date() } = {}): CoordinatorFolder {
  const places = coordinatorPlaces(folder);
  const { tls, model, start, broker } = places;
  const unusable = (reason: string) => federationError('COORDINATOR_FOLDER', { folder, reason });
  for (const file of [places.study, places.settings, places.members, tls.ca, tls.certificate])
    if (!existsSync(file)) throw unusable(`${file} is missing`);
  const study = readDocument(studyKind, places.study);
  checkVersion(study, places.study);
  const keys = readKeys(places.keys);
  if (publicKeysOf(keys).signing !== study.coordinator.signing)
    throw unusable('its keys are not those that signed its study');
  const authority = readPem(tls.ca);
  checkCertificate(readPem(tls.certificate), { authority, name: 'coordinator', key: keys.tls, now });
  const members = () => admittedOf(readMembers(places.members));
  members(); // a damaged list is told now
  return { folder, study, keys, words: wordsOf(study.coordinator), tls, model, start, broker, members };
}
