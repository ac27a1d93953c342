/** A site's state as it travels: in the clear the name of the coordinator's key, then the state, sealed for that key. */
import type { KeyObject } from 'node:crypto';
import { contextOf } from './context.js';
import { openFrom, sealFor, sealSize } from './hpke.js';
import { labelOf, labelSize, publicHalf } from './keys.js';
import { sealVersion } from './sealed-task.js';

const headerSize = 1 + labelSize;
/** Bytes that a sealed state has beside what is sealed. */
export const stateOverhead = headerSize + sealSize;

/** @param key the site's, private */
export function sealState(
  plain: Uint8Array,
  { federation, site, key, coordinator }: { federation: string; site: string; key: KeyObject; coordinator: KeyObject },
): Buffer {
  const header = Buffer.concat([Uint8Array.of(sealVersion), labelOf(coordinator)]);
  const seal = { context: contextOf(federation, 'state', site), beside: header };
  return Buffer.concat([header, sealFor(coordinator, key, plain, seal)]);
}

/** @param key the coordinator's, private @param sender public key of the site that it should be from */
export function openState(
  state: Uint8Array,
  { federation, site, key, sender }: { federation: string; site: string; key: KeyObject; sender: KeyObject },
): Uint8Array | 'malformed' | 'misaddressed' | 'broken' {
  if (state.length < stateOverhead || state[0] !== sealVersion) return 'malformed';
  const header = state.slice(0, headerSize);
  if (labelOf(publicHalf(key)).compare(header, 1) !== 0) return 'misaddressed';
  const seal = { context: contextOf(federation, 'state', site), beside: header };
  return openFrom(sender, key, state.subarray(headerSize), seal) ?? 'broken';
}
