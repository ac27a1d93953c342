/** What trains a site with a network of any family, and keeps what the rounds made of it. */
export { type KeeperOptions, type KeptRound, keptDamageOf, RoundKeeper } from './keeper.js';
export { FederatedNetwork, type PeerSettings } from './network.js';
export { type SiteCases, type SiteStep, SiteTrainer } from './trainer.js';
