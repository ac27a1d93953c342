/** The programs that run a study: the coordinator, a site, and what an administrator asks and sees of them. */
export { CoordinatorPage } from './coordinator-page.js';
export { type CoordinatorResult, runCoordinator } from './run-coordinator.js';
export { type PreparedSite, prepareSite, runSite } from './run-site.js';
export { SitePage } from './site-page.js';
export { extendFederation, type FederationStatus, federationStatus, pauseFederation } from './status.js';
