/**
 * Writes DICOM files (PS3.10 section 7) in explicit or implicit VR little endian: elements by name, in the order of their
 * tags.
 *
 * Each value keeps the rules of its representation (PS3.5 table 6.2-1): decimals of at most 16 characters, text without
 * control characters and no longer than allowed. Text that would be too long is cut; where a cut would change the meaning
 * (identifiers), the caller checks first. Bytes in place of text are written as they are.
 */
import { type AttributeName, attributes, type Vr } from './attributes.js';

export type Value = string | number | readonly (string | number)[] | Uint8Array | readonly Dataset[];
/** Elements by name; undefined ones are left out. */
export type Dataset = { [Name in AttributeName]?: Value | undefined };

/** The most characters of a value. */
export const longest: Partial<Record<Vr, number>> = { CS: 16, LO: 64, LT: 10_240, PN: 64, SH: 16, ST: 1024, UI: 64 };
/** Text in which a backslash separates no values and lines may break. */
const prose: readonly Vr[] = ['LT', 'ST', 'UT'];
const long: readonly Vr[] = ['OB', 'SQ', 'UT'];

/** Identifies graft's way of writing files, not a file. */
export const implementation = '2.25.201744219311530266918372815412630027543';
/** The transfer syntaxes that graft writes. In explicit VR a text or numbers as text have at most 65,534 bytes. */
const syntaxes = { explicit: '1.2.840.10008.1.2.1', implicit: '1.2.840.10008.1.2' } as const;
export type Syntax = keyof typeof syntaxes;

/**
 * A whole file: preamble, meta group, data set.
 *
 * @param version of graft, such as `0.1.0`
 */
export const encodeFile = (dataset: Dataset, version: string, syntax: Syntax = 'explicit'): Uint8Array =>
  Buffer.concat([
    encodeMeta({
      MediaStorageSOPClassUID: dataset.SOPClassUID,
      MediaStorageSOPInstanceUID: dataset.SOPInstanceUID,
      TransferSyntaxUID: syntaxes[syntax],
      ImplementationVersionName: `GRAFT_${version}`,
    }),
    encodeDataset(dataset, syntax),
  ]);

/** What stands before a data set: preamble, marker, and the meta group with its length. */
export function encodeMeta(elements: Dataset): Buffer {
  const meta = encodeDataset({
    FileMetaInformationVersion: Uint8Array.of(0, 1),
    ImplementationClassUID: implementation,
    ...elements,
  });
  const head = Buffer.alloc(132);
  head.write('DICM', 128, 'latin1');
  return Buffer.concat([head, encodeDataset({ FileMetaInformationGroupLength: meta.length }), meta]);
}

function encodeDataset(dataset: Dataset, syntax: Syntax = 'explicit'): Buffer {
  const names = (Object.keys(dataset) as AttributeName[]).filter((name) => dataset[name] !== undefined);
  names.sort((a, b) => attributes[a].tag - attributes[b].tag);
  return Buffer.concat(
    names.flatMap((name) => {
      const { tag, vr } = attributes[name];
      const value = encodeValue(vr, dataset[name]!, syntax);
      const wide = syntax === 'explicit' && long.includes(vr);
      const head = Buffer.alloc(wide ? 12 : 8);
      writeTag(head, 0, tag);
      if (syntax === 'explicit') head.write(vr, 4, 'latin1');
      if (syntax === 'explicit' && !wide) head.writeUInt16LE(value.length, 6);
      else head.writeUInt32LE(value.length, wide ? 8 : 4);
      return [head, value];
    }),
  );
}

const writeTag = (into: Buffer, at: number, tag: number) => {
  into.writeUInt16LE(tag >>> 16, at);
  into.writeUInt16LE(tag & 0xffff, at + 2);
};

function encodeValue(vr: Vr, value: Value, syntax: Syntax): Buffer {
  if (value instanceof Uint8Array) return padded(Buffer.from(value.buffer, value.byteOffset, value.length), vr);
  if (vr === 'SQ') return Buffer.concat((value as readonly Dataset[]).map((item) => encodeItem(item, syntax)));
  const values = (Array.isArray(value) ? value : [value]) as readonly (string | number)[];
  const binary = { US: 2, UL: 4, AT: 4 }[vr as 'US'];
  if (binary === undefined) return padded(Buffer.from(values.map((one) => textOf(vr, one)).join('\\'), 'utf8'), vr);
  const bytes = Buffer.alloc(binary * values.length);
  for (const [i, one] of values.entries()) {
    if (vr === 'US') bytes.writeUInt16LE(one as number, 2 * i);
    else if (vr === 'UL') bytes.writeUInt32LE(one as number, 4 * i);
    else writeTag(bytes, 4 * i, one as number);
  }
  return bytes;
}

function encodeItem(dataset: Dataset, syntax: Syntax): Buffer {
  const content = encodeDataset(dataset, syntax);
  const head = Buffer.alloc(8);
  writeTag(head, 0, 0xfffe_e000);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}

/** Of even length: identifiers end in a zero byte, text in a space. */
const padded = (bytes: Buffer, vr: Vr): Buffer =>
  bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(vr === 'UI' || vr === 'OB' ? 0 : 0x20)]);

function textOf(vr: Vr, value: string | number): string {
  if (typeof value === 'number') return vr === 'DS' ? decimalText(value) : String(Math.trunc(value));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: DICOM forbids them.
  const allowed = prose.includes(vr) ? /[\u0000-\u0009\u000b\u000e-\u001f\u007f]/g : /[\u0000-\u001f\u007f]/g;
  const clean = value.replace(allowed, ' ');
  const most = longest[vr];
  // Names and texts of several values come with their own delimiters, which their writer answers for.
  return most === undefined || vr === 'PN' || clean.length <= most ? clean : [...clean].slice(0, most).join('');
}

/** The closest decimal of at most 16 characters. */
export function decimalText(value: number): string {
  for (let digits = 17; digits > 0; digits--) {
    const text = String(Number(value.toPrecision(digits)));
    if (text.length <= 16) return text;
  }
  throw new RangeError(`no decimal text for ${value}`);
}
