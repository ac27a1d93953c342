/**
 * A transport whose carrier learns nothing and changes nothing unnoticed: what is said and sent is encrypted between the
 * coordinator and the sites, with what `node:crypto` has (X25519, HKDF-SHA256, AES-256-GCM). Who speaks is proven by
 * signatures inside.
 */
export type { Refused } from './refusals.js';
export { type SealedCoordinator, type SealedCoordinatorOptions, sealedCoordinator } from './sealed-coordinator.js';
export { type SealedSite, type SealedSiteOptions, sealedSite } from './sealed-site.js';
