/** The bytes of a file and its numbers, in either byte order. */
import { readSync } from 'node:fs';
import { DamagedFile } from './data-set.js';

/** How elements are written. */
export interface Encoding {
  explicit: boolean;
  littleEndian: boolean;
}

/** A file seen through a window that follows the reader, or bytes that are all there. */
export class Window {
  readonly size: number;
  private readonly descriptor: number;
  private part: Buffer = Buffer.alloc(0);
  private start = 0;

  constructor(descriptor: number, size: number) {
    this.descriptor = descriptor;
    this.size = size;
  }

  static over(bytes: Buffer): Window {
    const window = new Window(-1, bytes.length);
    window.part = bytes;
    return window;
  }

  bytes(offset: number, length: number): Buffer {
    if (offset + length > this.size) throw new DamagedFile('it is cut short');
    if (offset < this.start || offset + length > this.start + this.part.length) {
      const part = Buffer.alloc(Math.min(Math.max(length, 2 ** 15), this.size - offset));
      const found = readSync(this.descriptor, part, 0, part.length, offset);
      if (found < length) throw new DamagedFile('it is cut short');
      this.part = part.subarray(0, found);
      this.start = offset;
    }
    return this.part.subarray(offset - this.start, offset - this.start + length);
  }

  u16(offset: number, littleEndian: boolean): number {
    const bytes = this.bytes(offset, 2);
    return littleEndian ? bytes.readUInt16LE() : bytes.readUInt16BE();
  }

  u32(offset: number, littleEndian: boolean): number {
    const bytes = this.bytes(offset, 4);
    return littleEndian ? bytes.readUInt32LE() : bytes.readUInt32BE();
  }

  tag = (offset: number, { littleEndian }: Encoding): number =>
    this.u16(offset, littleEndian) * 0x10000 + this.u16(offset + 2, littleEndian);
}
