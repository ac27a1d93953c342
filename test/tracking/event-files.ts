/** Reading event files as TensorBoard does, apart from the code that writes them: framing, checksums, messages, restarts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** CRC-32C bit by bit, without a table. */
function checksum(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
  }
  const plain = ~crc >>> 0;
  return (((plain >>> 15) | (plain << 17)) + 0xa282ead8) >>> 0;
}

/** The records of a file; throws where a length or checksum is wrong. */
export function records(file: Uint8Array): Buffer[] {
  const bytes = Buffer.from(file);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    if (bytes.readUInt32LE(at + 8) !== checksum(bytes.subarray(at, at + 8))) throw new Error('length is damaged');
    const data = bytes.subarray(at + 12, at + 12 + length);
    if (bytes.readUInt32LE(at + 12 + length) !== checksum(data)) throw new Error('record is damaged');
    found.push(data);
    at += 16 + length;
  }
  return found;
}

/** A message's fields: number, and a number or bytes. */
function fieldsOf(message: Buffer): { field: number; value: number; bytes: Buffer }[] {
  let at = 0;
  const varint = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = message[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  };
  const fields: { field: number; value: number; bytes: Buffer }[] = [];
  while (at < message.length) {
    const key = varint();
    const [field, type] = [key >> 3, key & 7];
    if (type === 0) fields.push({ field, value: varint(), bytes: Buffer.alloc(0) });
    else {
      const length = type === 1 ? 8 : type === 5 ? 4 : varint();
      const bytes = message.subarray(at, at + length);
      at += length;
      const value = type === 1 ? bytes.readDoubleLE() : type === 5 ? bytes.readFloatLE() : Number.NaN;
      fields.push({ field, value, bytes });
    }
  }
  return fields;
}

export interface Point {
  step: number;
  wallTime: number;
  /** A scalar's. */
  value: number;
  /** A picture's file. */
  png: Buffer | undefined;
}

/** What TensorBoard shows below a folder: points by run and tag. */
export function readBoard(root: string): Record<string, Record<string, Point[]>> {
  const runs: Record<string, Record<string, Point[]>> = {};
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.includes('tfevents'))
    .map((entry) => ({
      run: relative(root, entry.parentPath),
      name: entry.name,
      path: join(entry.parentPath, entry.name),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { run, path } of files) {
    runs[run] ??= {};
    const tags = runs[run];
    for (const [i, record] of records(readFileSync(path)).entries()) {
      const fields = fieldsOf(record);
      const of = (number: number) => fields.find(({ field }) => field === number);
      if (i === 0 && of(3)?.bytes.toString() !== 'brain.Event:2')
        throw new Error(`${path} does not begin with a version`);
      const [wallTime, step] = [of(1)!.value, of(2)?.value ?? 0];
      // A restart takes back what older files have from this step on.
      if (of(7))
        for (const [tag, points] of Object.entries(tags)) tags[tag] = points.filter((point) => point.step < step);
      for (const { bytes } of fieldsOf(of(5)?.bytes ?? Buffer.alloc(0))) {
        const parts = fieldsOf(bytes);
        const part = (number: number) => parts.find(({ field }) => field === number);
        const tag = part(1)!.bytes.toString();
        const image = part(4) && fieldsOf(part(4)!.bytes).find(({ field }) => field === 4)!.bytes;
        tags[tag] ??= [];
        tags[tag].push({ step, wallTime, value: part(2)?.value ?? Number.NaN, png: image });
      }
    }
  }
  return runs;
}
