/** A chain in a file, to which several processes add lines in turn. */
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { whileLocked, writeFileAtomic, writing } from '../core/index.js';
import { hashOf, origin, readChain } from './chain.js';
import { auditError } from './errors.js';
import { isLine } from './lines.js';

export class ChainFile {
  readonly file: string;
  /** The chain as this process last saw it: bytes, and the head. What it has seen is not read again. */
  #length = 0;
  #head = origin;

  constructor(file: string) {
    this.file = file;
  }

  /**
   * Adds a line; after the return it survives a crash. A last line that a crash cut short is removed. If the file has become
   * shorter meanwhile, the new line does not follow from the last one that is left, so that it shows.
   *
   * @param lineAfter the new line, without its line break; is given the head that it follows, and what was removed before it
   * @returns the new line's hash
   * @throws GraftError WRITE_FAILED, AUDIT_IN_USE
   */
  append(lineAfter: (head: string, removed: { removed?: string }) => string): string {
    const { file } = this;
    const add = () => {
      if (!existsSync(file)) writeFileAtomic(file); // the folder's entry, too, is on the disk
      return writing(file, () => {
        const descriptor = openSync(file, 'r+');
        try {
          const { size, torn } = this.#catchUp(descriptor);
          const removed = torn > 0 ? { removed: `${torn} bytes of a line that was cut short` } : {};
          const line = lineAfter(this.#head, removed);
          const ended = size === 0 || read(descriptor, size - 1, size)[0] === 10;
          const bytes = Buffer.from(`${ended ? '' : '\n'}${line}\n`);
          write(descriptor, bytes, size);
          fsyncSync(descriptor);
          this.#length = size + bytes.length;
          this.#head = hashOf(line);
          return this.#head;
        } finally {
          closeSync(descriptor);
        }
      });
    };
    return whileLocked(file, add, (holder) => auditError('AUDIT_IN_USE', { file, ...holder }));
  }

  /** Reads what others have added, and removes what a crash left. @returns the file's size then, and the removed bytes */
  #catchUp(descriptor: number): { size: number; torn: number } {
    const { size } = fstatSync(descriptor);
    if (size <= this.#length) return { size, torn: 0 };
    const { head, length, torn } = readChain(read(descriptor, this.#length, size), isLine, { after: this.#head });
    this.#head = head;
    if (torn > 0) ftruncateSync(descriptor, this.#length + length);
    return { size: this.#length + length, torn };
  }
}

function read(descriptor: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from);
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(descriptor, bytes, at, bytes.length - at, from + at);
    if (count === 0) throw new Error('it became shorter while it was read');
    at += count;
  }
  return bytes;
}

function write(descriptor: number, bytes: Uint8Array, to: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at, to + at);
}
