/** The blobs that a transport holds: those of a round until a later round puts its own, the others for ever. */
import { hashOf } from '../blobs.js';
import type { Store } from '../store.js';

export class RecentBlobs {
  readonly #store: Store;
  readonly #held = new Map<string, { round: number | undefined; size: number }>();

  /** @param store its own: what is in it is removed */
  constructor(store: Store) {
    this.#store = store;
    for (const name of store.names()) store.remove(name);
  }

  /** @returns the SHA-256 */
  async put(bytes: Uint8Array, round: number | undefined, hash = hashOf([bytes])): Promise<string> {
    await this.#store.put(hash, bytes);
    this.#held.set(hash, { round, size: bytes.length });
    if (round !== undefined)
      for (const [other, { round: put = round }] of this.#held) if (put < round) this.#remove(other);
    return hash;
  }

  /** @throws GraftError BLOB_TOO_LARGE */
  get(hash: string, limit?: number): Uint8Array | undefined {
    return this.#store.read(hash, limit);
  }

  list(): { hash: string; round: number | undefined; size: number }[] {
    return [...this.#held].map(([hash, held]) => ({ hash, ...held }));
  }

  clear(): void {
    for (const hash of this.#held.keys()) this.#remove(hash);
  }

  #remove(hash: string): void {
    this.#store.remove(hash);
    this.#held.delete(hash);
  }
}
