/** Named bytes that survive, whole or absent: a folder, or memory where nothing has to survive. */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Chunk,
  piecesOf,
  readRegular,
  readSecret,
  removeAllLeftovers,
  shownName,
  writeAll,
  writeSecret,
  writing,
} from '../core/index.js';
import { federateError } from './errors.js';

export interface Store {
  /** Writes the chunks one after another; after the return they survive a crash. */
  write(name: string, ...chunks: Chunk[]): void;
  /** Writes bytes, which must not change any more, while the event loop goes on. They need not survive a crash. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * @param limit bytes; what is larger is not read
   * @returns bytes that are the caller's own
   * @throws GraftError BLOB_TOO_LARGE, SECRET_EXPOSED where a key (`….pem`) can be read by others
   */
  read(name: string, limit?: number): Uint8Array | undefined;
  remove(name: string): void;
  /** What errors call it: the file, where it is one. */
  fileOf(name: string): string;
  names(): string[];
}

/**
 * Files in a folder that only its owner may read; it is made where it is missing.
 *
 * @param options.durable false: quicker, for what only this process will read
 */
export function folderStore(folder: string, { durable = true } = {}): Store {
  writing(folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  removeAllLeftovers(folder);
  const visible = () => readdirSync(folder).filter((name) => !name.startsWith('.'));
  return {
    write: (name, ...chunks) =>
      durable ? writeSecret(join(folder, name), ...chunks) : writeLoosely(join(folder, name), chunks),
    put(name, bytes) {
      const path = join(folder, name);
      return writeFile(path, bytes, { mode: 0o600 }).catch((error) =>
        writing(path, () => {
          throw error;
        }),
      );
    },
    read(name, limit = Number.POSITIVE_INFINITY) {
      const path = join(folder, name);
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size === undefined) return undefined;
      checkSize(name, size, limit);
      return name.endsWith('.pem') ? readSecret(path) : readRegular(path);
    },
    fileOf: (name) => join(folder, name),
    remove: (name) => rmSync(join(folder, name), { force: true }),
    names: visible,
  };
}

function checkSize(name: string, size: number, limit: number): void {
  if (size > limit) throw federateError('BLOB_TOO_LARGE', { blob: shownName(name), size, limit });
}

/** Not safe from a crash. */
const writeLoosely = (file: string, chunks: readonly Chunk[]): void =>
  writing(file, () => {
    const descriptor = openSync(file, 'w', 0o600);
    try {
      writeAll(descriptor, chunks);
    } finally {
      closeSync(descriptor);
    }
  });

/** Holds what it is given: bytes that are written as one array are not copied, so they must not change any more. */
export function memoryStore(): Store {
  const held = new Map<string, Uint8Array>();
  return {
    write(name, ...chunks) {
      const [first, ...others] = chunks;
      const whole = first instanceof Uint8Array && others.length === 0;
      held.set(name, whole ? first : Buffer.concat(Array.from(piecesOf(chunks), (piece) => new Uint8Array(piece))));
    },
    put: async (name, bytes) => void held.set(name, bytes),
    read(name, limit = Number.POSITIVE_INFINITY) {
      const bytes = held.get(name);
      if (bytes) checkSize(name, bytes.length, limit);
      return bytes?.slice();
    },
    fileOf: (name) => name,
    remove: (name) => void held.delete(name),
    names: () => [...held.keys()],
  };
}
