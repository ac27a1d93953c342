/**
 * A file's bytes for dcm2niix, which takes the marker, the meta group and decimals as the standard writes them. Pixels and
 * all other elements stay as they are, except where the caller asks for changed ones.
 */
import { readFileSync } from 'node:fs';
import type { Elements } from './data-set.js';
import { type ReadFile, readElements } from './elements.js';
import { encodeMeta } from './encode.js';
import { decimals, type TagName, tags } from './tags.js';

export interface Changes {
  /** Stored values come through as they are: slope 1, intercept 0. */
  unscaled?: boolean;
  /** In place of its pixels each frame holds one number, uint16: this one, the next in the next frame. */
  firstFrame?: number;
}

export function preparedFile(file: string, { unscaled, firstFrame }: Changes = {}): Uint8Array {
  const bytes = readFileSync(file);
  const read = readElements(file);
  if (!read) return bytes;
  repairDecimals(bytes, read.elements);
  if (unscaled) unscale(bytes, read.elements);
  if (firstFrame !== undefined) return numbered(bytes, read, firstFrame);
  return read.marked ? bytes : Buffer.concat([metaOf(read.elements), bytes.subarray(read.start)]);
}

const metaOf = (elements: Elements, syntax = elements.text('transferSyntax')) =>
  encodeMeta({
    MediaStorageSOPClassUID: elements.text('sopClass'),
    MediaStorageSOPInstanceUID: elements.text('instance'),
    TransferSyntaxUID: syntax,
  });

/** The elements themselves and those in their sequences. */
function* nested(elements: Elements): Generator<Elements> {
  yield elements;
  for (const values of elements.values.values())
    if (Array.isArray(values)) for (const one of values) if (typeof one === 'object') yield* nested(one);
}

/** Decimal commas become points. */
function repairDecimals(bytes: Buffer, all: Elements): void {
  for (const elements of nested(all))
    for (const name of decimals) {
      const { offset, length } = elements.places.get(tags[name]) ?? { offset: 0, length: 0 };
      for (let at = offset; at < offset + length; at++) if (bytes[at] === 0x2c) bytes[at] = 0x2e;
    }
}

function unscale(bytes: Buffer, all: Elements): void {
  for (const elements of nested(all))
    for (const [name, value] of [
      ['slope', '1'],
      ['intercept', '0'],
    ] as const) {
      const place = elements.places.get(tags[name]);
      if (place?.length) bytes.write(value.padEnd(place.length), place.offset, 'latin1');
    }
}

/** The file with numbers for pixels, neither compressed nor signed. */
function numbered(bytes: Buffer, { elements, encoding, start }: ReadFile, firstFrame: number): Uint8Array {
  const { explicit, littleEndian } = encoding;
  const write16 = (into: Buffer, value: number, at: number) =>
    littleEndian ? into.writeUInt16LE(value, at) : into.writeUInt16BE(value, at);
  const set = (name: TagName, value: number) => {
    const place = elements.places.get(tags[name]);
    if (place?.length) write16(bytes, value, place.offset);
  };
  for (const [name, value] of [
    ['bits', 16],
    ['bitsStored', 16],
    ['highBit', 15],
    ['signed', 0],
  ] as const)
    set(name, value);
  const frames = elements.numbers('frames', 1)?.[0] ?? 1;
  const size = elements.count('rows')! * elements.count('columns')!;
  const pixels = Buffer.alloc(2 * size * frames);
  for (let i = 0; i < size * frames; i++) write16(pixels, firstFrame + Math.floor(i / size), 2 * i);
  const head = Buffer.alloc(explicit ? 12 : 8);
  write16(head, 0x7fe0, 0);
  write16(head, 0x0010, 2);
  if (explicit) head.write('OW', 4, 'latin1');
  if (littleEndian) head.writeUInt32LE(pixels.length, head.length - 4);
  else head.writeUInt32BE(pixels.length, head.length - 4);
  // What is compressed is in explicit little endian for the rest.
  const syntax = explicit ? (littleEndian ? '1.2.840.10008.1.2.1' : '1.2.840.10008.1.2.2') : '1.2.840.10008.1.2';
  return Buffer.concat([metaOf(elements, syntax), bytes.subarray(start, elements.pixels!.element), head, pixels]);
}
