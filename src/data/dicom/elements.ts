/**
 * Reads a DICOM file's elements up to its pixels (PS3.5 section 7, PS3.10 section 7): explicit and implicit VR, both byte
 * orders, sequences of known and unknown length. It keeps the few that `tags.ts` names and jumps over the values of the
 * others, so a file of any size costs a few reads of 32 kB; thousands of files are read in seconds.
 *
 * Files without the marker DICM or without the meta group are read too, as old archives and scanners wrote them.
 *
 * Left out: deflated data sets.
 */
import { closeSync } from 'node:fs';
import { openRegular } from '../../core/index.js';
import { DamagedFile, Elements } from './data-set.js';
import { isPixelData, kinds, tags } from './tags.js';
import { type Encoding, Window } from './window.js';

export const implicitLittle: Encoding = { explicit: false, littleEndian: true };
const explicitLittle: Encoding = { explicit: true, littleEndian: true };
const encodings: Record<string, Encoding> = {
  '1.2.840.10008.1.2': implicitLittle,
  '1.2.840.10008.1.2.1': explicitLittle,
  '1.2.840.10008.1.2.2': { explicit: true, littleEndian: false },
};
const deflated = '1.2.840.10008.1.2.1.99';

/** Value representations with a length of four bytes. */
export const long = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];
export const [item, itemEnd, sequenceEnd] = [0xfffe_e000, 0xfffe_e00d, 0xfffe_e0dd];
export const unknownLength = 0xffff_ffff;
export const deepest = 32;

export interface ReadFile {
  elements: Elements;
  /** Of the file, in bytes. */
  size: number;
  /** Where the data set begins, behind the meta group. */
  start: number;
  encoding: Encoding;
  /** Whether the file says how it is encoded, in a meta group behind the marker; otherwise that was found out. */
  marked: boolean;
}

/**
 * @returns undefined where the file is not DICOM
 * @throws DamagedFile; the file system's errors
 */
export function readElements(path: string): ReadFile | undefined {
  const { descriptor, size } = openRegular(path);
  try {
    return elementsIn(new Window(descriptor, size));
  } finally {
    closeSync(descriptor);
  }
}

/** As `readElements`, of a file that is open or in memory. */
export function elementsIn(file: Window): ReadFile | undefined {
  const elements = new Elements();
  let marker = false;
  try {
    marker = file.size >= 132 && file.bytes(128, 4).toString('latin1') === 'DICM';
    const begin = marker ? 132 : 0;
    const hasMeta = marker || beginsWith(file, 0, 0x0002, explicitLittle);
    const meta = hasMeta
      ? readDataset(file, begin, file.size, explicitLittle, 0, new Elements(), true)
      : { elements, next: begin };
    const stated = meta.elements.text('transferSyntax');
    if (stated === deflated) throw new DamagedFile('its data set is deflated (unpack it with dcmconv of DCMTK)');
    const found = encodingFound(file, meta.next);
    // Some writers state one uncompressed syntax and write another.
    const readable = stated === undefined || Object.hasOwn(encodings, stated) ? (found ?? stated) : stated;
    const syntax = readable ?? (marker ? '1.2.840.10008.1.2' : undefined);
    if (!syntax) return undefined;
    elements.values.set(tags.transferSyntax, [syntax]);
    const encoding = encodings[syntax] ?? explicitLittle;
    readDataset(file, meta.next, file.size, encoding, 0, elements);
    if (!marker && !isObject(elements)) return undefined;
    return { elements, size: file.size, start: meta.next, encoding, marked: marker && stated === syntax };
  } catch (error) {
    if (!(error instanceof DamagedFile)) throw error;
    if (!marker && !isObject(elements)) return undefined;
    error.elements = elements;
    throw error;
  }
}

/** Without the marker, bytes are DICOM when they say which kind of object they are. */
const isObject = (elements: Elements) => /^1\.2\.840\.10008\.[\d.]+$/.test(elements.text('sopClass') ?? '');

/** Whether an element of a group lies at a place: its values are short there, and it is of a known type where types are written. */
function beginsWith(file: Window, at: number, group: number, encoding: Encoding): boolean {
  if (file.size < at + 12 || file.tag(at, encoding) >>> 16 !== group) return false;
  const vr = file.bytes(at + 4, 2).toString('latin1');
  return encoding.explicit ? /^[A-Z]{2}$/.test(vr) : file.u32(at + 4, encoding.littleEndian) < 2 ** 16;
}

/** The transfer syntax of a data set that begins, as all do, with group 0008. */
const encodingFound = (file: Window, at: number): string | undefined =>
  ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2'].find((syntax) =>
    beginsWith(file, at, 0x0008, encodings[syntax]),
  );

/** The elements from `start` to `end`, to the end of the item, to the pixels or (`meta`) to the end of group 0002. */
function readDataset(
  file: Window,
  start: number,
  end: number,
  encoding: Encoding,
  depth: number,
  elements = new Elements(),
  meta = false,
) {
  if (depth > deepest) throw new DamagedFile(`its sequences are nested more than ${deepest} deep`);
  let at = start;
  while (at + 8 <= end) {
    const tag = file.tag(at, encoding);
    if (tag === itemEnd) return { elements, next: at + 8 };
    if (meta && tag >>> 16 !== 2) break;
    const { vr, length, value } = readHead(file, at, encoding);
    const kind = kinds.get(tag);
    if (depth === 0 && isPixelData(tag)) {
      elements.pixels = { element: at, offset: value, length: length === unknownLength ? undefined : length };
      break;
    }
    if (length !== unknownLength && value + length > end)
      throw new DamagedFile(`it ends inside the element (${tagName(tag)})`);
    if (length === unknownLength || kind === 'items') {
      const inside = vr === 'UN' ? implicitLittle : encoding;
      const { items, next } = readItems(file, value, length, end, inside, depth + 1, kind === 'items');
      if (kind === 'items') elements.values.set(tag, items);
      at = next;
      continue;
    }
    if (kind === 'text') elements.values.set(tag, texts(file.bytes(value, length)));
    if (kind === 'text' || kind === 'counts') elements.places.set(tag, { offset: value, length });
    if (kind === 'coded') elements.values.set(tag, unpadded(file.bytes(value, length)));
    if (kind === 'counts') elements.values.set(tag, counts(file, value, length, encoding));
    at = value + length;
  }
  return { elements, next: at };
}

export function readHead(file: Window, at: number, { explicit, littleEndian }: Encoding) {
  if (!explicit) return { vr: '', length: file.u32(at + 4, littleEndian), value: at + 8 };
  const vr = file.bytes(at + 4, 2).toString('latin1');
  if (!/^[A-Z]{2}$/.test(vr)) throw new DamagedFile(`there is no element at byte ${at}, where one should begin`);
  return long.includes(vr)
    ? { vr, length: file.u32(at + 8, littleEndian), value: at + 12 }
    : { vr, length: file.u16(at + 6, littleEndian), value: at + 8 };
}

/** The items of a sequence; those that nobody asked for are passed over, also the fragments of a compressed icon. */
function readItems(
  file: Window,
  start: number,
  length: number,
  end: number,
  encoding: Encoding,
  depth: number,
  keep: boolean,
) {
  const items: Elements[] = [];
  const last = length === unknownLength ? end : start + length;
  let at = start;
  while (at + 8 <= last) {
    const tag = file.tag(at, encoding);
    const size = file.u32(at + 4, encoding.littleEndian);
    at += 8;
    if (tag === sequenceEnd) return { items, next: at };
    if (tag !== item) throw new DamagedFile(`there is no item at byte ${at - 8}, where one should begin`);
    if (size !== unknownLength && at + size > last) throw new DamagedFile('it ends inside a sequence');
    if (size !== unknownLength && !keep) {
      at += size;
      continue;
    }
    const until = size === unknownLength ? last : at + size;
    const { elements, next } = readDataset(file, at, until, encoding, depth);
    if (keep) items.push(elements);
    at = size === unknownLength ? next : until;
  }
  if (length === unknownLength) throw new DamagedFile('it ends inside a sequence');
  return { items, next: last };
}

/** Such as `0008,0018`. */
export const tagName = (tag: number) => tag.toString(16).padStart(8, '0').replace(/^.{4}/, '$&,');

/** Values end in a space or a zero byte where their length would be odd. */
const texts = (bytes: Buffer) =>
  bytes
    .toString('latin1')
    .split('\\')
    .map((text) => text.replace(/[\0 ]+$/, '').trimStart());

/** A copy, as the reader's window moves on. */
function unpadded(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0)) end--;
  return Buffer.from(bytes.subarray(0, end));
}

const counts = (file: Window, offset: number, length: number, { littleEndian }: Encoding) =>
  Array.from({ length: Math.min(length >> 1, 1) }, () => file.u16(offset, littleEndian));
