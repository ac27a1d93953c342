/** A transport over a NATS broker with JetStream. The client is loaded when a transport is made. */
export { isLocal } from './addresses.js';
export { type BrokerOptions, brokerConfiguration } from './configuration.js';
export type { BrokerEvent, ConnectionOptions, TlsFiles } from './peer.js';
export { type Permissions, permissionsOf } from './places.js';
export { type Doing, type Pulse, PulseSender, pulseOf } from './pulse.js';
export { type NatsOptions, type NatsTransport, natsTransport } from './transport.js';
