/**
 * What a site remembers between its rounds, in one file: the state after its last round and the update that came out of
 * it. Both are written at once, so that a site that was killed has either trained the round or not.
 */
import { copyState, disposeState, type State } from '../nn/index.js';
import { tensor } from '../torch/index.js';
import { federateError } from './errors.js';
import type { SiteState } from './messages.js';
import { decodeStates, encodeStates } from './state-bytes.js';
import type { Store } from './store.js';

export interface Remembered {
  /** The round that it was trained in. */
  round: number;
  /** What the trainer's `localState` gave. */
  local: State;
  /** Trained tensors that never leave the site. */
  personal: State;
  /** What the wire format dropped of the last update. */
  residue: State;
  /** Shared tensors as received, where the next round may bring only some of them. */
  received: State;
  /** The update as it travels, and what is said with it. */
  update: { payload: Uint8Array; said: Said };
}

/** What a site says of an update, without the coordinator's session: it may have to be said again in a later one. */
export type Said = Omit<Extract<SiteState, { kind: 'update' }>, 'session'>;

/** Earlier versions kept the envelope. */
function saidIn(message: string): Said {
  const kept = JSON.parse(message) as Said | { body: string };
  return 'body' in kept ? JSON.parse(kept.body) : kept;
}

/** In the site's store. */
export const memoryFile = 'state.safetensors';
const parts = ['local', 'personal', 'residue', 'received', 'update'] as const;

/** Survives a crash after the return, whole or not at all. */
export function remember(store: Store, federation: string, { round, update, ...states }: Remembered): void {
  const payload = new Map([['payload', tensor(update.payload)]]);
  const metadata = { federation, round: String(round), message: JSON.stringify(update.said) };
  store.write(memoryFile, encodeStates({ ...states, update: payload }, metadata));
  disposeState(payload);
}

/**
 * What the site remembers; undefined before its first round. The caller owns the tensors.
 *
 * @throws GraftError SITE_OTHER_FEDERATION, and SAFETENSORS_DAMAGED and its like where the file is not what was written
 */
export function recall(store: Store, site: string, federation: string): Remembered | undefined {
  const bytes = store.read(memoryFile);
  if (!bytes) return undefined;
  const { parts: found, metadata } = decodeStates(bytes, parts, store.fileOf(memoryFile));
  const { update, ...states } = found;
  const payload = update.get('payload')!.toBytes();
  disposeState(update);
  if (metadata.federation !== federation) {
    for (const state of Object.values(states)) disposeState(state);
    throw federateError('SITE_OTHER_FEDERATION', { site });
  }
  return { ...states, round: Number(metadata.round), update: { payload, said: saidIn(metadata.message) } };
}

/** Frees the tensors that `recall` gave. */
export function forget({ local, personal, residue, received }: Remembered): void {
  for (const state of [local, personal, residue, received]) disposeState(state);
}

/** The tensors that stay at a site for good, such as FedSA-LoRA's B, as copies; empty before its first round. */
export const personalOf = (store: Store): State => copiesOf(store, 'personal');

/** What the trainer's `localState` gave after the site's last round, as copies; empty before its first. */
export const localOf = (store: Store): State => copiesOf(store, 'local');

function copiesOf(store: Store, part: 'personal' | 'local'): State {
  const bytes = store.read(memoryFile);
  if (!bytes) return new Map();
  const { parts: found } = decodeStates(bytes, parts, store.fileOf(memoryFile));
  const copies = copyState(found[part]);
  for (const state of Object.values(found)) disposeState(state);
  return copies;
}
