/** Bytes kept in a folder under their SHA-256: what the coordinator goes on from. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Pausing, pause, runWithPauses, sha256 } from '../core/index.js';
import { federateError } from './errors.js';
import type { BlobReference } from './messages.js';
import { folderStore, type Store } from './store.js';
import { type Compression, decompress } from './wire/index.js';

/** SHA-256 of the pieces one after another. */
export function hashOf(pieces: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Bytes that are hashed between two pauses: a few milliseconds of work. */
const stretch = 2 ** 22;

/** SHA-256 of bytes of any number. */
export function* hashing(bytes: Uint8Array): Pausing<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += stretch) {
    if (at > 0) yield pause;
    hash.update(bytes.subarray(at, at + stretch));
  }
  return hash.digest('hex');
}

/** SHA-256 of a file, of which a piece at a time is in memory; undefined where it is missing. */
function hashOfFile(path: string): string | undefined {
  try {
    return sha256(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
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
   * @param pieces written one after another; gone through more than once, so that they can be made anew each time
   * @param length in bytes before compression
   */
  put(pieces: Iterable<Uint8Array>, length: number, hash = hashOf(pieces)): BlobReference {
    if (hashOfFile(join(this.#folder, hash)) !== hash) this.#store.write(hash, pieces);
    return { hash, length };
  }

  /** @throws GraftError BLOB_DAMAGED where the file is gone or was changed */
  get(blob: BlobReference): Uint8Array {
    const bytes = this.#store.read(blob.hash);
    this.#compare(blob, bytes && hashOf([bytes]));
    return bytes!;
  }

  /** As `get`; the event loop has its turn between pieces. */
  async load(blob: BlobReference): Promise<Uint8Array> {
    const bytes = this.#store.read(blob.hash);
    this.#compare(blob, bytes && (await runWithPauses(hashing(bytes))));
    return bytes!;
  }

  /** @throws GraftError BLOB_DAMAGED where the file is gone or was changed */
  check(blob: BlobReference): void {
    this.#compare(blob, hashOfFile(this.fileOf(blob)));
  }

  /**
   * The file of a payload that is not compressed: the blob's own, whose content is what was written, or what was unpacked
   * beside it, until the next `keepOnly`, since its tensors could not be reached one by one.
   *
   * @param limit of the bytes after decompression
   * @throws GraftError BLOB_DAMAGED
   */
  plain(blob: BlobReference, compression: Compression, limit: number): string {
    if (compression === 'none') {
      this.check(blob);
      return this.fileOf(blob);
    }
    const name = `${blob.hash}.plain`;
    this.#loose.write(name, decompress(this.get(blob), compression, limit));
    return join(this.#folder, name);
  }

  #compare(blob: BlobReference, found: string | undefined): void {
    if (found === blob.hash) return;
    const reason = found === undefined ? 'it is missing' : 'its content is not what was written';
    throw federateError('BLOB_DAMAGED', { file: this.fileOf(blob), reason });
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
