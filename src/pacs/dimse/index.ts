/** DICOM's own protocol over TCP: C-ECHO and C-STORE, as the side that asks and as the side that is asked. */
export { isTitle } from './association.js';
export { statuses } from './command.js';
export { ProtocolError, rejections } from './pdu.js';
export { echo, type Peer, type PeerOptions, peerAt, peerName, peerOf, storeFiles } from './peer.js';
export { type Caller, type StoreService, serveConnection } from './serve.js';
