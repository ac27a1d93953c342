/**
 * The entries of a zip archive (PKWARE APPNOTE 6.3, with zip64), as far as PyTorch's files need it: stored or deflated,
 * one disk, not encrypted. Entries may not overlap, so what is read in all is bounded by the file.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import type { ByteSource } from './bytes.js';
import { formatError } from './errors.js';

export interface ZipEntry {
  method: number;
  crc: number;
  /** Bytes in the archive. */
  packed: number;
  /** Bytes when unpacked. */
  size: number;
  /** Where its local header begins. */
  offset: number;
}

export interface Zip {
  entries: Map<string, ZipEntry>;
  /** An entry's bytes, checked against its checksum. @throws GraftError PTH_DAMAGED */
  read(name: string): Uint8Array;
}

/** Bytes of the list of entries; a million entries fit. */
const directoryLimit = 2 ** 26;
/** Unpacked bytes in all for each byte of the file: weights barely shrink, so more is a bomb. */
const ratioLimit = 16;

/** @throws GraftError PTH_DAMAGED */
export function openZip(source: ByteSource): Zip {
  const { file } = source;
  const damaged = (expected: string, found: string | number) => formatError('PTH_DAMAGED', { file, expected, found });
  const view = (offset: number, length: number) => {
    const bytes = source.read(offset, length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  };

  const directory = findDirectory();
  const entries = readDirectory();
  const unpacked = [...entries.values()].reduce((sum, { size }) => sum + size, 0);
  if (unpacked > ratioLimit * source.size + 2 ** 20)
    throw damaged(`at most ${ratioLimit} times its size when unpacked`, `${unpacked} bytes`);
  const starts = [...entries.values()].map(({ offset }) => offset).sort((a, b) => a - b);
  const limits = new Map(starts.map((start, i) => [start, starts[i + 1] ?? directory.offset]));
  if (limits.size < starts.length) throw damaged('separate archive entries', 'overlapping ones');
  return { entries, read };

  function findDirectory() {
    const tailLength = Math.min(source.size, 22 + 0xffff);
    const tail = view(source.size - tailLength, tailLength);
    let at = tailLength - 22;
    while (
      at >= 0 &&
      !(tail.getUint32(at, true) === 0x06054b50 && at + 22 + tail.getUint16(at + 20, true) === tailLength)
    ) {
      at--;
    }
    if (at < 0) throw damaged('the end record of a zip archive', 'none (is the file cut off?)');
    const end = source.size - tailLength + at;
    let [count, length, offset] = [
      tail.getUint16(at + 10, true),
      tail.getUint32(at + 12, true),
      tail.getUint32(at + 16, true),
    ];
    if (at >= 20 && tail.getUint32(at - 20, true) === 0x07064b50) {
      const record = Number(tail.getBigUint64(at - 12, true));
      if (record + 56 > end) throw damaged('a zip64 end record within the file', `offset ${record}`);
      const wide = view(record, 56);
      if (wide.getUint32(0, true) !== 0x06064b50) throw damaged('a zip64 end record', 'something else');
      [count, length, offset] = [32, 40, 48].map((i) => Number(wide.getBigUint64(i, true))) as [number, number, number];
    }
    if (offset + length > end) throw damaged('a list of entries within the file', `${length} bytes at ${offset}`);
    if (length > directoryLimit) throw damaged(`a list of entries of at most ${directoryLimit} bytes`, length);
    return { count, length, offset };
  }

  function readDirectory() {
    const list = view(directory.offset, directory.length);
    const found = new Map<string, ZipEntry>();
    let at = 0;
    for (let i = 0; i < directory.count; i++) {
      if (at + 46 > list.byteLength || list.getUint32(at, true) !== 0x02014b50) {
        throw damaged(`${directory.count} archive entries`, i);
      }
      const [nameLength, extraLength, commentLength] = [28, 30, 32].map((o) => list.getUint16(at + o, true)) as [
        number,
        number,
        number,
      ];
      const extraAt = at + 46 + nameLength;
      const next = extraAt + extraLength + commentLength;
      if (next > list.byteLength) throw damaged('a whole archive entry', `entry ${i} cut off`);
      const name = Buffer.from(list.buffer, list.byteOffset + at + 46, nameLength).toString();
      if (list.getUint16(at + 8, true) & 1) throw damaged('an archive without encryption', name);
      if (found.has(name)) throw damaged('unique entry names', `${name} twice`);
      const [size, packed, offset] = wideFields(list, extraAt, extraLength, [at + 24, at + 20, at + 42]);
      if (offset >= directory.offset) throw damaged(`${name} before the list of entries`, `offset ${offset}`);
      found.set(name, {
        method: list.getUint16(at + 10, true),
        crc: list.getUint32(at + 16, true),
        packed,
        size,
        offset,
      });
      at = next;
    }
    return found;
  }

  function read(name: string): Uint8Array {
    const entry = entries.get(name);
    if (!entry) throw damaged(`the archive entry ${name}`, 'none');
    const local = view(entry.offset, 30);
    if (local.getUint32(0, true) !== 0x04034b50) throw damaged(`the local header of ${name}`, 'something else');
    const begin = entry.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    if (begin + entry.packed > limits.get(entry.offset)!)
      throw damaged(`${name} within its place`, 'overlapping entries');
    const bytes = unpack(name, entry, source.read(begin, entry.packed));
    if (bytes.length !== entry.size) throw damaged(`${entry.size} bytes in ${name}`, bytes.length);
    if (crc32(bytes) !== entry.crc) throw damaged(`${name} with its checksum`, 'other bytes');
    return bytes;
  }

  function unpack(name: string, { method, size }: ZipEntry, bytes: Uint8Array): Uint8Array {
    if (method === 0) return bytes;
    if (method !== 8) throw damaged(`${name} stored or deflated`, `method ${method}`);
    try {
      // A copy: zlib hands out a part of a larger buffer.
      return new Uint8Array(inflateRawSync(bytes, { maxOutputLength: Math.max(size, 1) }));
    } catch (error) {
      throw damaged(`${name} deflated to ${size} bytes`, (error as Error).message);
    }
  }
}

/** The 32-bit fields at these places; those that are all ones stand in the zip64 extra field, in the same order. */
function wideFields(list: DataView, extraAt: number, extraLength: number, places: [number, number, number]) {
  let [at, end] = [0, 0];
  for (let i = extraAt; i + 4 <= extraAt + extraLength; i += 4 + list.getUint16(i + 2, true)) {
    if (list.getUint16(i, true) !== 1) continue;
    [at, end] = [i + 4, Math.min(i + 4 + list.getUint16(i + 2, true), extraAt + extraLength)];
  }
  return places.map((place) => {
    const value = list.getUint32(place, true);
    if (value !== 0xffffffff || at + 8 > end) return value;
    at += 8;
    return Number(list.getBigUint64(at - 8, true));
  }) as [number, number, number];
}
