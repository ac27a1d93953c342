/** Bytes kept under their SHA-256. */
import { createHash } from 'node:crypto';
import { federateError } from './errors.js';
import type { BlobReference } from './messages.js';
import type { Store } from './store.js';
import type { Payload } from './wire/index.js';

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What the coordinator keeps: global states, updates under way. */
export class Blobs {
  readonly #store: Store;
  constructor(store: Store) {
    this.#store = store;
  }

  /** Survives a crash after the return. */
  put({ bytes, length }: Payload): BlobReference {
    const hash = hashOf(bytes);
    const kept = this.#store.read(hash);
    if (!kept || hashOf(kept) !== hash) this.#store.write(hash, bytes);
    return { hash, length };
  }

  /** @throws GraftError BLOB_DAMAGED where the file is gone or was changed */
  get({ hash }: BlobReference): Uint8Array {
    const bytes = this.#store.read(hash);
    if (!bytes || hashOf(bytes) !== hash) {
      const reason = bytes ? 'its content is not what was written' : 'it is missing';
      throw federateError('BLOB_DAMAGED', { file: this.#store.fileOf(hash), reason });
    }
    return bytes;
  }

  /** What errors call it. */
  fileOf({ hash }: BlobReference): string {
    return this.#store.fileOf(hash);
  }

  /** Removes all but these. */
  keepOnly(hashes: ReadonlySet<string>): void {
    for (const name of this.#store.names()) if (!hashes.has(name)) this.#store.remove(name);
  }
}
