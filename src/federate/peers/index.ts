/** What trains a site with a network of any family, and keeps what the rounds made of it. */
export { type KeeperOptions, type KeptRound, keptDamageOf, RoundKeeper } from './keeper.js';
export { FederatedNetwork, isPlainLora, type PeerSettings } from './network.js';
export { type FederationStart, loadFederationStart, prepareFederation, saveFederationStart } from './start.js';
export { type SiteCases, type SiteStep, SiteTrainer } from './trainer.js';
export { TrainingSite, type TrainingSiteOptions } from './training-site.js';
