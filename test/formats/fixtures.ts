/** Small PyTorch files made in code: a pickle assembler, a zip writer, and the two layouts of torch.save. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterAll } from 'vitest';
import { GraftError } from '../../src/core/index.js';

type Bytes = Buffer;
const raw = (...codes: (number | string | Bytes)[]): Bytes =>
  Buffer.concat(codes.map((code) => (typeof code === 'number' ? Buffer.of(code) : Buffer.from(code as string))));
const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Instructions that leave one value on the stack. */
export const p = {
  raw,
  none: raw('N'),
  true: raw(0x88),
  false: raw(0x89),
  int: (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return raw('J', bytes);
  },
  text: (value: string) => raw('X', uint32(Buffer.byteLength(value)), value),
  tuple: (...items: Bytes[]) => raw('(', ...items, 't'),
  list: (...items: Bytes[]) => raw(']', '(', ...items, 'e'),
  dict: (entries: Record<string, Bytes>) =>
    raw('}', '(', ...Object.entries(entries).flatMap(([key, value]) => [p.text(key), value]), 'u'),
  global: (module: string, name: string) => raw('c', module, '\n', name, '\n'),
  call: (module: string, name: string, ...args: Bytes[]) => raw(p.global(module, name), p.tuple(...args), 'R'),
  ordered: (entries: Record<string, Bytes>) =>
    raw(
      p.call('collections', 'OrderedDict'),
      '(',
      ...Object.entries(entries).flatMap(([key, value]) => [p.text(key), value]),
      'u',
      p.dict({ _metadata: p.call('collections', 'OrderedDict') }),
      'b',
    ),
  /** Leaves the storage on the stack; `view` is what the older layout adds. */
  storage: (type: string, key: string, count: number, ...view: Bytes[]) =>
    raw(p.tuple(p.text('storage'), p.global('torch', type), p.text(key), p.text('cuda:0'), p.int(count), ...view), 'Q'),
  tensor: (storage: Bytes, shape: number[], strides: number[], offset = 0) =>
    p.call(
      'torch._utils',
      '_rebuild_tensor_v2',
      storage,
      p.int(offset),
      p.tuple(...shape.map(p.int)),
      p.tuple(...strides.map(p.int)),
      p.false,
      p.call('collections', 'OrderedDict'),
    ),
};

export const pickle = (body: Bytes) => raw(0x80, 2, body, '.');

export interface ZipOptions {
  deflate?: boolean;
  zip64?: boolean;
}

export function zip(entries: Record<string, Uint8Array>, { deflate = false, zip64 = false }: ZipOptions = {}): Bytes {
  const bodies: Bytes[] = [];
  const list: Bytes[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(entries)) {
    const packed = deflate ? deflateRawSync(data) : data;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50);
    local.writeUInt16LE(name.length, 26);
    bodies.push(raw(local, name, Buffer.from(packed)));
    const extra = Buffer.alloc(zip64 ? 28 : 0);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50);
    entry.writeUInt16LE(deflate ? 8 : 0, 10);
    entry.writeUInt32LE(crc32(data), 16);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(extra.length, 30);
    if (zip64) {
      extra.writeUInt16LE(1);
      extra.writeUInt16LE(24, 2);
      for (const [i, value] of [data.length, packed.length, offset].entries()) {
        extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
      }
    }
    entry.writeUInt32LE(zip64 ? 0xffffffff : packed.length, 20);
    entry.writeUInt32LE(zip64 ? 0xffffffff : data.length, 24);
    entry.writeUInt32LE(zip64 ? 0xffffffff : offset, 42);
    list.push(raw(entry, name, extra));
    offset += bodies.at(-1)!.length;
  }
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(zip64 ? 98 : 22);
  if (zip64) {
    end.writeUInt32LE(0x06064b50);
    end.writeBigUInt64LE(BigInt(list.length), 32);
    end.writeBigUInt64LE(BigInt(directory.length), 40);
    end.writeBigUInt64LE(BigInt(offset), 48);
    end.writeUInt32LE(0x07064b50, 56);
    end.writeBigUInt64LE(BigInt(offset + directory.length), 64);
  }
  const at = end.length - 22;
  end.writeUInt32LE(0x06054b50, at);
  end.writeUInt16LE(zip64 ? 0xffff : list.length, at + 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : directory.length, at + 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : offset, at + 16);
  return Buffer.concat([...bodies, directory, end]);
}

export const zipPth = (body: Bytes, storages: Record<string, Uint8Array> = {}, options?: ZipOptions) =>
  zip(
    {
      'archive/data.pkl': pickle(body),
      'archive/byteorder': Buffer.from('little'),
      ...Object.fromEntries(Object.entries(storages).map(([key, data]) => [`archive/data/${key}`, data])),
    },
    options,
  );

/** The older layout; each storage with its number of elements. */
export const legacyPth = (
  body: Bytes,
  storages: Record<string, [count: number, data: Uint8Array]> = {},
  little = true,
) =>
  Buffer.concat([
    pickle(raw(0x8a, 10, Buffer.from('6cfc9c46f9206aa85019', 'hex'))),
    pickle(raw('M', Buffer.of(0xe9, 0x03))),
    pickle(p.dict({ little_endian: little ? p.true : p.false })),
    pickle(body),
    pickle(p.list(...Object.keys(storages).map(p.text))),
    ...Object.values(storages).flatMap(([count, data]) => {
      const head = Buffer.alloc(8);
      head.writeBigInt64LE(BigInt(count));
      return [head, Buffer.from(data)];
    }),
  ]);

export const floats = (...values: number[]) => new Uint8Array(new Float32Array(values).buffer);
export const asFloats = (bytes: Uint8Array) => [...new Float32Array(bytes.slice().buffer)];

/** Writes bytes to files of a folder that goes when the tests end. */
export function folderOfFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'graft-formats-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    path: (name: string) => join(folder, name),
    write(bytes: Uint8Array, name = 'file') {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    },
  };
}

/** The code of the GraftError; any other error is passed on, so that it fails the test. */
export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof GraftError) return error.code;
    throw error;
  }
}
