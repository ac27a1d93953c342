/**
 * The key under which the coordinator's tasks are sealed, for all admitted sites alike. It lasts until the admitted sites
 * change: an epoch. Every site finds it in the epoch's key ring, which is fetched once and not sent with every task.
 *
 * The key follows from the coordinator's private key and the admitted sites with their keys. So a coordinator that was killed
 * goes on in the same epoch, and nobody learns a key of an epoch in which it was not admitted.
 */
import type { KeyObject } from 'node:crypto';
import { contextOf } from './context.js';
import { expand, extract, openFrom, sealFor, sealSize } from './hpke.js';
import { labelOf, labelSize, publicHalf, rawPrivate, rawPublic } from './keys.js';

export const epochIdSize = 16;
const secretSize = 32;
const entrySize = labelSize + sealSize + secretSize;

/** Bytes of the largest key ring that is fetched: of about 47,000 sites. */
export const ringLimit = 2 ** 22;

export interface Epoch {
  /** 16 bytes that name the key and do not give it away. */
  id: Buffer;
  secret: Buffer;
}

const epochOf = (secret: Buffer): Epoch => ({ id: expand(secret, Buffer.from('epoch'), epochIdSize), secret });

/** @param sites names and public keys of all that are admitted */
export function epochFor(federation: string, coordinator: KeyObject, sites: ReadonlyMap<string, KeyObject>): Epoch {
  const members = [...sites].map(([site, key]) => [site, rawPublic(key).toString('hex')]).sort();
  const secret = extract(contextOf(federation, 'epoch'), rawPrivate(coordinator));
  return epochOf(expand(secret, Buffer.from(JSON.stringify(members)), secretSize));
}

/** For each site, one after another: the name of its key, and the epoch's key sealed for it. @param coordinator private key */
export const ringOf = (
  federation: string,
  { secret }: Epoch,
  coordinator: KeyObject,
  sites: ReadonlyMap<string, KeyObject>,
): Buffer =>
  Buffer.concat(
    [...sites].flatMap(([site, key]) => [
      labelOf(key),
      sealFor(key, coordinator, secret, { context: contextOf(federation, 'ring', site) }),
    ]),
  );

/**
 * What a site finds in a key ring.
 *
 * @param ring as it travelled @param key the site's, private @param coordinator public key
 * @returns `absent` where there is nothing for this key, `broken` where it is not what the coordinator sealed for it
 */
export function epochIn(
  ring: Uint8Array,
  { federation, site, key, coordinator }: { federation: string; site: string; key: KeyObject; coordinator: KeyObject },
): Epoch | 'absent' | 'broken' {
  if (ring.length % entrySize !== 0) return 'broken';
  const label = labelOf(publicHalf(key));
  for (let at = 0; at < ring.length; at += entrySize) {
    if (label.compare(ring, at, at + labelSize) !== 0) continue;
    const sealed = ring.subarray(at + labelSize, at + entrySize);
    const secret = openFrom(coordinator, key, sealed, { context: contextOf(federation, 'ring', site) });
    return secret ? epochOf(Buffer.from(secret)) : 'broken';
  }
  return 'absent';
}
