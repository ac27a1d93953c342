/** A coordinator and sites with sealing keys on one carrier, whose hands a test may be. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { GraftError } from '../../../src/core/index.js';
import {
  localTransport,
  type SealedCoordinatorOptions,
  type SealedSiteOptions,
  sealedCoordinator,
  sealedSite,
  type Transport,
} from '../../../src/federate/index.js';

export const federation = 'study-1';

export interface Pair {
  privateKey: KeyObject;
  /** DER in base64. */
  publicKey: string;
}
export function keyPair(): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') };
}

/** What a carrier was given: all of it, or what a test makes of it on its way. */
export interface Carrier extends Transport {
  /** Everything that was given to it, names of sites too. */
  readonly seen: Uint8Array[];
  /** Blobs that were asked for. */
  readonly fetched: string[];
  /** What it does to what it carries. */
  alter: Partial<Record<'task' | 'state' | 'blob', (bytes: Uint8Array) => Uint8Array>>;
}
export function carrier(): Carrier {
  const inner = localTransport();
  const alter: Carrier['alter'] = {};
  const [seen, fetched]: [Uint8Array[], string[]] = [[], []];
  const note = (bytes: Uint8Array) => {
    seen.push(bytes);
    return bytes;
  };
  return {
    ...inner,
    seen,
    fetched,
    alter,
    publishTask: (task) => inner.publishTask(note(task)),
    async *watchTasks(signal) {
      for await (const task of inner.watchTasks(signal)) yield alter.task?.(task) ?? task;
    },
    putBlob: (bytes, round) => inner.putBlob(note(bytes), round),
    async getBlob(hash, limit, from) {
      fetched.push(hash);
      const bytes = await inner.getBlob(hash, limit, from);
      return alter.blob?.(bytes)?.slice() ?? bytes; // what is opened is changed in its place
    },
    updateState(site, state) {
      note(Buffer.from(site));
      return inner.updateState(site, note(state));
    },
    async *presence(signal) {
      for await (const { site, state } of inner.presence(signal)) yield { site, state: alter.state?.(state) ?? state };
    },
  };
}

/** A coordinator that admits these sites, and a side for each of them; what is refused is collected by who refused it. */
export function parties(transport: Transport, names: readonly string[] = ['a', 'b']) {
  const own = keyPair();
  const keys = new Map(names.map((name) => [name, keyPair()]));
  const publicKeys = (of: readonly string[] = names) =>
    Object.fromEntries(of.map((name) => [name, keys.get(name)!.publicKey]));
  const refused: { by: string; error: GraftError }[] = [];
  const listen = (by: string) => (error: GraftError) => void refused.push({ by, error });
  const coordinator = (options: Partial<SealedCoordinatorOptions> = {}, over = transport) =>
    sealedCoordinator(over, {
      ...{ federation, key: own.privateKey, sites: publicKeys(), refused: listen('coordinator') },
      ...options,
    });
  const site = (name: string, options: Partial<SealedSiteOptions> = {}, over = transport) =>
    sealedSite(over, {
      ...{ federation, site: name, key: (keys.get(name) ?? keyPair()).privateKey, coordinator: own.publicKey },
      refused: listen(name),
      ...options,
    });
  return { own, keys, publicKeys, refused, coordinator, site };
}

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
export const textOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

/** What is heard now: what was said last. */
export async function heard<T>(listen: (signal: AbortSignal) => AsyncIterable<T>): Promise<T[]> {
  const end = new AbortController();
  const found: T[] = [];
  const done = (async () => {
    for await (const value of listen(end.signal)) found.push(value);
  })();
  await new Promise(setImmediate);
  end.abort();
  await done;
  return found;
}
