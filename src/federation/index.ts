/**
 * Who takes part in a federation over a network, and what they agreed to: keys, certificates, the signed study, requests and
 * kits, members, the hospital's policy.
 */
export { admitSite, revokeSite } from './admission.js';
export { type CoordinatorFolder, openCoordinatorFolder } from './coordinator-folder.js';
export { type Created, createFederation } from './create.js';
export { federationErrors } from './errors.js';
export { type PartyKeys, type PublicKeys, publicKeyOf, publicKeysOf } from './keys.js';
export { type Kit, readKit } from './kit.js';
export type { Member } from './members.js';
export { brokerFiles, coordinatorPlaces, sitePlaces } from './places.js';
export { checkCases, checkDisk, checkRounds, mayRun, type Policy, type Rules } from './policy.js';
export { readRequest, type SiteRequest } from './request.js';
export * from './running/index.js';
export { textOf } from './signed.js';
export { openSite, requestAdmission, type Site } from './site-folder.js';
export { type Study, startOf } from './study.js';
export { certificateFault } from './verification.js';
export { checkWords, wordsOf } from './words.js';
