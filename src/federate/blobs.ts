/** Bytes kept in a folder under their SHA-256: what the coordinator goes on from. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { federateError } from './errors.js';
import type { BlobReference } from './messages.js';
import { folderStore, type Store } from './store.js';

/** SHA-256 of the pieces one after another. */
export function hashOf(...pieces: Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Bytes that are read at once where a file is only looked through. */
const PIECE = 2 ** 20;

/** SHA-256 of a file, of which a piece at a time is in memory; undefined where it is missing. */
function hashOfFile(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const hash = createHash('sha256');
    const piece = new Uint8Array(PIECE);
    for (let count = 1; count > 0; ) {
      count = readSync(descriptor, piece, 0, PIECE, null);
      hash.update(piece.subarray(0, count));
    }
    return hash.digest('hex');
  } finally {
    closeSync(descriptor);
  }
}

/** What the coordinator keeps: global states, updates under way. */
export class Blobs {
  readonly #folder: string;
  readonly #store: Store;
  readonly #loose: Store;
  constructor(folder: string) {
    this.#folder = folder;
    this.#store = folderStore(folder);
    this.#loose = folderStore(folder, { durable: false });
  }

  /**
   * Survives a crash after the return.
   *
   * @param pieces written one after another
   * @param length in bytes before compression
   */
  put(pieces: readonly Uint8Array[], length: number, hash = hashOf(...pieces)): BlobReference {
    if (hashOfFile(join(this.#folder, hash)) !== hash) this.#store.write(hash, ...pieces);
    return { hash, length };
  }

  /** @throws GraftError BLOB_DAMAGED where the file is gone or was changed */
  get(blob: BlobReference): Uint8Array {
    const bytes = this.#store.read(blob.hash);
    this.#compare(blob, bytes && hashOf(bytes));
    return bytes!;
  }

  /** The file of a blob, whose content is what was written. @throws GraftError BLOB_DAMAGED */
  checked(blob: BlobReference): string {
    const file = this.fileOf(blob);
    this.#compare(blob, hashOfFile(file));
    return file;
  }

  #compare(blob: BlobReference, found: string | undefined): void {
    if (found === blob.hash) return;
    const reason = found === undefined ? 'it is missing' : 'its content is not what was written';
    throw federateError('BLOB_DAMAGED', { file: this.fileOf(blob), reason });
  }

  /** Writes what was made of a blob beside it, until the next `keepOnly`; a crash may leave a part of it. */
  putBeside({ hash }: BlobReference, bytes: Uint8Array): string {
    const name = `${hash}.plain`;
    this.#loose.write(name, bytes);
    return join(this.#folder, name);
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
