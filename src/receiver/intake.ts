/** Objects that are sent: each is written, synced and named before it is acknowledged, or refused with the status of its reason. */
import { existsSync, mkdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { GraftError, removeAllLeftovers, renameDurably, sha256, temporaryBeside } from '../core/index.js';
import { fileHead, isUid, type ObjectKind, storedObject, uidName } from '../data/index.js';
import { statuses } from '../pacs/index.js';
import { bytesOnDisk, StudyFolder } from './study-folder.js';

export interface Limits {
  /** Of one object. */
  instanceBytes: number;
  /** Of all images of a study. */
  studyBytes: number;
  /** That are left free on the disk. */
  freeBytes: number;
}

export interface Taken {
  status: number;
  /** The study's pseudonym, where it is known. */
  study?: string;
  /** Why it was refused. */
  reason?: string;
}

export class Intake {
  readonly #root: string;
  readonly #incoming: string;
  readonly #limits: Limits;
  readonly #key: Uint8Array;
  /** By study, as long as images come. */
  readonly #bytes = new Map<string, number>();

  /** @param key for pseudonyms */
  constructor(root: string, limits: Limits, key: Uint8Array) {
    this.#root = root;
    this.#limits = limits;
    this.#key = key;
    this.#incoming = join(root, 'incoming');
    mkdirSync(this.#incoming, { recursive: true, mode: 0o700 });
    // Of a process that was killed: none of it was acknowledged.
    removeAllLeftovers(this.#incoming);
  }

  /** @throws what ends the connection in the middle of the object */
  async take(object: ObjectKind, pieces: AsyncIterable<Buffer>): Promise<Taken> {
    if (!isUid(object.instance)) return { status: statuses.notUnderstood, reason: 'no identifier' };
    if (this.#isFull()) return { status: statuses.outOfResources, reason: 'disk' };
    const temporary = temporaryBeside(join(this.#incoming, 'object'));
    try {
      const fits = await writeObject(temporary, fileHead(object), pieces, this.#limits.instanceBytes);
      if (!fits) return { status: statuses.outOfResources, reason: 'instance too large' };
      return this.#place(temporary, object);
    } catch (error) {
      if (!isOfDisk(error)) throw error;
      return { status: statuses.outOfResources, reason: 'disk' };
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** What a study takes is counted anew when more of it comes. */
  forget = (study: string): void => {
    this.#bytes.delete(study);
  };

  #isFull(): boolean {
    const { bavail, bsize } = statfsSync(this.#root);
    return bavail * bsize < this.#limits.freeBytes;
  }

  /** Gives a whole file its place, unless the same one is there. */
  #place(temporary: string, object: ObjectKind): Taken {
    const found = storedObject(temporary);
    if (!found) return { status: statuses.notUnderstood, reason: 'not readable' };
    if (found.instance !== object.instance || found.sopClass !== object.sopClass)
      return { status: statuses.mismatch, reason: 'other identifiers inside' };
    const study = uidName(found.study, this.#key);
    const folder = new StudyFolder(this.#root, study);
    const file = folder.imageFile(uidName(found.instance, this.#key));
    if (isSame(file, temporary)) return { status: statuses.success, study };
    const bytes = (this.#bytes.get(study) ?? folder.bytes()) + bytesOnDisk(found.end);
    if (bytes > this.#limits.studyBytes) return { status: statuses.outOfResources, study, reason: 'study too large' };
    renameDurably(temporary, file);
    this.#bytes.set(study, bytes);
    return { status: statuses.success, study };
  }
}

/** @returns whether it was not too large */
async function writeObject(file: string, head: Buffer, pieces: AsyncIterable<Buffer>, limit: number): Promise<boolean> {
  await using handle = await open(file, 'wx', 0o600);
  await writeAll(handle, head);
  let size = head.length;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > limit) return false;
    await writeAll(handle, piece);
  }
  await handle.sync();
  return true;
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray((await handle.write(rest)).bytesWritten);
}

const isSame = (file: string, other: string) =>
  existsSync(file) && statSync(file).size === statSync(other).size && sha256(file) === sha256(other);

const isOfDisk = (error: unknown): boolean =>
  (error instanceof GraftError && error.code === 'WRITE_FAILED') ||
  /^(ENOSPC|EDQUOT|EFBIG|EIO|EROFS|EACCES)$/.test((error as NodeJS.ErrnoException).code ?? '');
