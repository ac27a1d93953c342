/** Federated training: rounds between a coordinator and sites, aggregation, wire formats, the ledger. */
export { coordinatorAct, lastAct, siteAct } from './acts.js';
export {
  type Aggregated,
  type Aggregation,
  type AggregationInput,
  type AggregationName,
  type Agreement,
  aggregationNames,
  aggregations,
  type Contribution,
  type Correction,
  dominant,
  type Gauge,
  gauges,
  type Pair,
  type Product,
  pairsOf,
  productNorm,
  stacked,
  weightedMean,
} from './aggregation/index.js';
export { type Clock, systemClock } from './clock.js';
export {
  type AggregatedState,
  type ClosedRound,
  type Computation,
  inProcess,
  inWorker,
  type ReceivedUpdate,
  type Setup,
} from './computation/index.js';
export { checkFederation, type Federation, federationSchema } from './config.js';
export { Coordinator, type CoordinatorOptions } from './coordinator.js';
export { type Damage, damageOf } from './damage.js';
export type { Entry, StateRecord } from './entries.js';
export { federateErrors } from './errors.js';
export type * from './events.js';
export { Ledger, readLedger } from './ledger.js';
export { localOf, personalOf } from './memory.js';
export * from './peers/index.js';
export { coordinatorFolder, ledgerFile, siteFolder } from './places.js';
export type { Proximal } from './proximal.js';
export * from './sealing/index.js';
export { SigningKey } from './signing.js';
export { type FederationOptions, runFederation } from './simulate.js';
export { type Ended, FederatedSite, type SiteOptions } from './site.js';
export { folderStore, memoryStore, type Store } from './store.js';
export type { LocalRound, LocalTrainer, Metrics } from './trainer.js';
export type { Transport } from './transport.js';
export { localTransport } from './transports/local.js';
export {
  type BrokerEvent,
  type BrokerOptions,
  brokerConfiguration,
  type ConnectionOptions,
  type Doing,
  isLocal,
  type NatsOptions,
  type NatsTransport,
  natsTransport,
  type Permissions,
  type Pulse,
  PulseSender,
  permissionsOf,
  pulseOf,
  type TlsFiles,
} from './transports/nats/index.js';
export {
  type CodedState,
  type Compression,
  decodePayload,
  encodePayload,
  type Payload,
  type WireFormat,
  wireFormats,
} from './wire/index.js';
