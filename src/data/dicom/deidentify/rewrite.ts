/**
 * A data set written again, element by element, in its own encoding (PS3.5 section 7): what is kept is kept byte for byte,
 * also the pixels and their compression. Sequences get defined lengths; group lengths, which are retired, go.
 */
import { DamagedFile } from '../data-set.js';
import {
  deepest,
  implicitLittle,
  item,
  itemEnd,
  long,
  readHead,
  sequenceEnd,
  tagName,
  unknownLength,
} from '../elements.js';
import { isPixelData } from '../tags.js';
import type { Encoding, Window } from '../window.js';
import { representations } from './dictionary.js';

/** An element as it was found. */
export interface Found {
  tag: number;
  /** The file's own where it says one, otherwise the standard's; `UN` where neither is known. */
  vr: string;
  /** Undefined for a sequence and for compressed pixels. */
  value: Buffer | undefined;
  /** 0 in the data set itself, more in the items of its sequences. */
  depth: number;
}

/** What becomes of an element: as it is (a sequence: its items in their turn), another value, or nothing. */
export type Change = (found: Found) => 'keep' | Uint8Array | undefined;

/** An element to be added to the data set. */
export interface Added {
  tag: number;
  vr: string;
  value: Uint8Array;
}

/** Bytes in pieces, some of which are the file's own. */
interface Pieces {
  pieces: Uint8Array[];
  length: number;
  /** Where reading went on to. */
  next: number;
}

/**
 * @param file all of it
 * @param start of the data set
 * @param added in the order of their tags; they take the place of what is there
 * @returns the new data set in pieces; bytes behind its end are left out
 * @throws DamagedFile
 */
export function rewritten(
  file: Window,
  start: number,
  encoding: Encoding,
  change: Change,
  added: Added[],
): Uint8Array[] {
  return dataset(file, start, file.size, encoding, change, 0, added).pieces;
}

function dataset(
  file: Window,
  start: number,
  end: number,
  encoding: Encoding,
  change: Change,
  depth: number,
  added: readonly Added[] = [],
): Pieces {
  if (depth > deepest) throw new DamagedFile(`its sequences are nested more than ${deepest} deep`);
  const out: Pieces = { pieces: [], length: 0, next: start };
  const rest = [...added];
  const place = ({ tag, vr, value }: Added) => add(out, [headOf(tag, vr, value.length, encoding), value]);
  while (out.next + 8 <= end) {
    const tag = file.tag(out.next, encoding);
    if (tag === itemEnd) {
      out.next += 8;
      return out;
    }
    while (rest.length > 0 && rest[0].tag < tag) place(rest.shift()!);
    const replaced = rest.length > 0 && rest[0].tag === tag;
    element(file, tag, end, encoding, replaced ? () => undefined : change, depth, out);
    // Behind the pixels stand padding and signatures at most, or what somebody appended.
    if (depth === 0 && isPixelData(tag)) break;
  }
  for (const one of rest) place(one);
  return out;
}

/** Reads the element at `out.next` and adds what becomes of it. */
function element(
  file: Window,
  tag: number,
  end: number,
  encoding: Encoding,
  change: Change,
  depth: number,
  out: Pieces,
): void {
  const { vr: stated, length, value: at } = readHead(file, out.next, encoding);
  const known = representations.get(tag) ?? 'UN';
  const vr = stated === '' || stated === 'UN' ? known : stated;
  if (length !== unknownLength && at + length > end)
    throw new DamagedFile(`it ends inside the element (${tagName(tag)})`);
  const isStream = length === unknownLength && (stated === 'OB' || stated === 'OW');
  if (isStream) {
    const next = endOfFragments(file, at, end, encoding);
    if (change({ tag, vr, value: undefined, depth }) === 'keep') add(out, [file.bytes(out.next, next - out.next)]);
    out.next = next;
    return;
  }
  if (vr === 'SQ' || length === unknownLength) {
    const what = change({ tag, vr: 'SQ', value: undefined, depth });
    const inside = stated === 'UN' ? implicitLittle : encoding;
    if (what !== 'keep' && length !== unknownLength) {
      if (what) add(out, [headOf(tag, stated || vr, what.length, encoding), what]);
      out.next = at + length;
      return;
    }
    // Of what is left out only the end is of interest.
    const { pieces, next, ...found } = items(
      file,
      at,
      length,
      end,
      inside,
      what === 'keep' ? change : () => undefined,
      depth + 1,
    );
    if (what === 'keep') add(out, [headOf(tag, stated || vr, found.length, encoding), ...pieces]);
    else if (what) add(out, [headOf(tag, stated || vr, what.length, encoding), what]);
    out.next = next;
    return;
  }
  const value = file.bytes(at, length);
  // Group lengths would be wrong.
  const what = (tag & 0xffff) === 0 ? undefined : change({ tag, vr, value, depth });
  if (what === 'keep') add(out, [file.bytes(out.next, at + length - out.next)]);
  else if (what) add(out, [headOf(tag, stated || vr, what.length, encoding), what]);
  out.next = at + length;
}

function items(
  file: Window,
  start: number,
  length: number,
  end: number,
  encoding: Encoding,
  change: Change,
  depth: number,
): Pieces {
  const out: Pieces = { pieces: [], length: 0, next: start };
  const last = length === unknownLength ? end : start + length;
  while (out.next + 8 <= last) {
    const tag = file.tag(out.next, encoding);
    const size = file.u32(out.next + 4, encoding.littleEndian);
    const at = out.next + 8;
    if (tag === sequenceEnd) {
      out.next = at;
      return out;
    }
    if (tag !== item) throw new DamagedFile(`there is no item at byte ${out.next}, where one should begin`);
    if (size !== unknownLength && at + size > last) throw new DamagedFile('it ends inside a sequence');
    const one = dataset(file, at, size === unknownLength ? last : at + size, encoding, change, depth);
    const head = Buffer.alloc(8);
    writeTag(head, item, encoding);
    write32(head, one.length, 4, encoding);
    add(out, [head, ...one.pieces]);
    out.next = size === unknownLength ? one.next : at + size;
  }
  if (length === unknownLength) throw new DamagedFile('it ends inside a sequence');
  out.next = last;
  return out;
}

/** Compressed pixels are items without elements (PS3.5 A.4). */
function endOfFragments(file: Window, start: number, end: number, encoding: Encoding): number {
  for (let at = start; at + 8 <= end; ) {
    const tag = file.tag(at, encoding);
    const size = file.u32(at + 4, encoding.littleEndian);
    if (tag === sequenceEnd) return at + 8;
    if (tag !== item || at + 8 + size > end) break;
    at += 8 + size;
  }
  throw new DamagedFile('its compressed pixels are cut short');
}

function add(out: Pieces, pieces: readonly Uint8Array[]): void {
  for (const piece of pieces) {
    out.pieces.push(piece);
    out.length += piece.length;
  }
}

/** What stands before a value. */
export function headOf(tag: number, vr: string, length: number, encoding: Encoding): Buffer {
  const wide = encoding.explicit && long.includes(vr);
  const head = Buffer.alloc(wide ? 12 : 8);
  writeTag(head, tag, encoding);
  if (encoding.explicit) head.write(vr, 4, 'latin1');
  if (encoding.explicit && !wide) {
    if (encoding.littleEndian) head.writeUInt16LE(length, 6);
    else head.writeUInt16BE(length, 6);
  } else write32(head, length, wide ? 8 : 4, encoding);
  return head;
}

function writeTag(into: Buffer, tag: number, { littleEndian }: Encoding): void {
  for (const [at, half] of [
    [0, tag >>> 16],
    [2, tag & 0xffff],
  ])
    if (littleEndian) into.writeUInt16LE(half, at);
    else into.writeUInt16BE(half, at);
}

const write32 = (into: Buffer, value: number, at: number, { littleEndian }: Encoding) =>
  littleEndian ? into.writeUInt32LE(value, at) : into.writeUInt32BE(value, at);
