import { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSafetensors,
  elementCount,
  encodeSafetensors,
  itemSizes,
  openSafetensors,
  type RawTensor,
  readSafetensors,
  writeSafetensors,
} from '../../src/formats/index.js';
import type { DType } from '../../src/torch/index.js';
import { codeOf, floats, folderOfFiles } from './fixtures.js';

const files = folderOfFiles();

const rawTensor = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(itemSizes) as DType[])),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
  })
  .chain(({ dtype, shape }) => {
    const length = elementCount(shape) * itemSizes[dtype];
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data): RawTensor => ({ dtype, shape, data }));
  });
const tensorMap = fc
  .dictionary(fc.string({ unit: 'grapheme' }), rawTensor, { maxKeys: 6 })
  .map((tensors) => new Map(Object.entries(tensors)));
const texts = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 4 });

const encoded = (...args: Parameters<typeof encodeSafetensors>) => Buffer.concat(encodeSafetensors(...args));

/** A file with this header text and so many bytes of data. */
const withHeader = (header: string, data = 0) => {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(data)]);
};

describe('what was written', () => {
  it('comes back, from memory and from a file', () => {
    fc.assert(
      fc.property(tensorMap, texts, (tensors, metadata) => {
        const back = decodeSafetensors(encoded(tensors, metadata));
        expect(new Map([...back.tensors].map(([k, v]) => [k, { ...v, data: [...v.data] }]))).toEqual(
          new Map([...tensors].map(([k, v]) => [k, { ...v, data: [...v.data] }])),
        );
        expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(metadata).sort());
      }),
    );
    const tensors = new Map<string, RawTensor>([['a', { dtype: 'float32', shape: [2], data: floats(1, 2) }]]);
    writeSafetensors(files.path('whole'), tensors, { made: 'here' });
    expect(readSafetensors(files.path('whole'))).toEqual({ tensors, metadata: { made: 'here' } });
  });

  it('has the same bytes whatever order it was given in', () => {
    fc.assert(
      fc.property(tensorMap, texts, (tensors, metadata) => {
        const turned = encoded(new Map([...tensors].reverse()), Object.fromEntries(Object.entries(metadata).reverse()));
        expect(turned.equals(encoded(tensors, metadata))).toBe(true);
      }),
    );
  });

  it('keeps every tensor aligned to its element size', () => {
    fc.assert(
      fc.property(tensorMap, (tensors) => {
        const path = files.write(encoded(tensors), 'aligned');
        using file = openSafetensors(path);
        for (const name of file.names) expect(file.info(name).offset % itemSizes[file.info(name).dtype]).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('is refused where data and shape disagree or the name is reserved', () => {
    const tensor: RawTensor = { dtype: 'float32', shape: [2], data: floats(1, 2, 3) };
    expect(codeOf(() => encodeSafetensors(new Map([['a', tensor]])))).toBe('TENSOR_INVALID');
    const right = { ...tensor, shape: [3] };
    expect(codeOf(() => encodeSafetensors(new Map([['__metadata__', right]])))).toBe('TENSOR_INVALID');
  });
});

describe('a file', () => {
  const tensors = new Map<string, RawTensor>([
    ['a', { dtype: 'float32', shape: [2], data: floats(1, 2) }],
    ['b', { dtype: 'bool', shape: [], data: Uint8Array.of(1) }],
  ]);

  it('is read one tensor at a time, or those asked for', () => {
    writeSafetensors(files.path('lazy'), tensors);
    using file = openSafetensors(files.path('lazy'));
    expect(file.names).toEqual(['a', 'b']);
    expect(file.read('b')).toEqual(tensors.get('b'));
    expect(codeOf(() => file.read('c'))).toBe('TENSOR_MISSING');
    const { tensors: some } = readSafetensors(files.path('lazy'), { only: (name) => name === 'a' });
    expect([...some.keys()]).toEqual(['a']);
  });

  it('that shrinks while open is an error, not zeros', () => {
    writeSafetensors(files.path('shrinking'), tensors);
    using file = openSafetensors(files.path('shrinking'));
    truncateSync(files.path('shrinking'), 100);
    expect(codeOf(() => file.read('b'))).toBe('TENSOR_FILE_TRUNCATED');
  });

  it('that is absent or a folder is named in the error', () => {
    expect(() => openSafetensors('/nowhere/x.safetensors')).toThrow(
      '/nowhere/x.safetensors: could not be read (there is no such',
    );
    expect(codeOf(() => openSafetensors(files.path('.')))).toBe('TENSOR_FILE_UNREADABLE');
  });

  it.skipIf(!existsSync('/proc/self/fd'))('that is refused is closed again (seen on Linux)', () => {
    const path = files.write(Buffer.alloc(20, 0xff), 'refused');
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 20; i++) expect(codeOf(() => openSafetensors(path))).toBe('SAFETENSORS_INVALID');
    expect(open()).toBeLessThan(before + 20);
  });
});

describe('a broken file is refused', () => {
  const entry = (begin: number, end: number, shape = [end - begin], dtype = 'U8') =>
    JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
  const cases: Record<string, Buffer> = {
    'no header length': Buffer.alloc(7),
    'header beyond the limit': Buffer.from('00e1f5050000000100', 'hex'),
    'header beyond the file': Buffer.from('ff00000000000000', 'hex'),
    'not UTF-8': Buffer.from('0400000000000000ffffffff', 'hex'),
    'not JSON': withHeader('{"a"'),
    'not an object': withHeader('[]'),
    'space before the object': withHeader(' {}'),
    'a hole': withHeader(`{"a":${entry(0, 1)},"b":${entry(2, 3)}}`, 3),
    'an overlap': withHeader(`{"a":${entry(0, 2)},"b":${entry(1, 3)}}`, 3),
    'a beginning behind zero': withHeader(`{"a":${entry(1, 2)}}`, 2),
    'bytes left over': withHeader(`{"a":${entry(0, 2)}}`, 3),
    'bytes missing': withHeader(`{"a":${entry(0, 2)}}`, 1),
    'a wrong size': withHeader(`{"a":${entry(0, 4, [2], 'F32')}}`, 4),
    'an end before the beginning': withHeader(`{"a":${entry(2, 0, [2])}}`, 2),
    'a shape that overflows': withHeader(`{"a":${entry(0, 0, [2 ** 40, 2 ** 40])}}`),
    'a negative size': withHeader('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}', 1),
    'a size that is no whole number': withHeader('{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}', 1),
    'a tensor twice': withHeader(`{"a":${entry(0, 1)},"\\u0061":${entry(0, 1)}}`, 1),
    'a field twice': withHeader('{"a":{"dtype":"I8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
    'metadata that are no texts': withHeader('{"__metadata__":{"a":1}}'),
    'a field missing': withHeader('{"a":{"dtype":"U8","shape":[1]}}', 1),
    'deep nesting': withHeader(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    it(name, () => expect(codeOf(() => decodeSafetensors(bytes))).toBe('SAFETENSORS_INVALID'));
  }

  it('an element type graft lacks, by its name', () => {
    expect(() => decodeSafetensors(withHeader(`{"a":${entry(0, 1, [1], 'F8_E4M3')}}`, 1))).toThrow('"F8_E4M3"');
  });

  it('any damage: read or refused, never another error', () => {
    const good = encoded(new Map([['weight', { dtype: 'float32', shape: [2], data: floats(1, 2) }]]), { k: 'v' });
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat({ max: good.length }).map((end) => good.subarray(0, end)),
      fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
        const bytes = Uint8Array.from(good);
        bytes[at] = byte;
        return bytes;
      }),
      fc.json().map((json) => withHeader(json)),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        codeOf(() => decodeSafetensors(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

it('reads a file of the reference implementation', () => {
  const path = 'test/golden/sam-checkpoint/tensors.safetensors';
  const { tensors } = readSafetensors(path);
  expect(tensors.size).toBeGreaterThan(100);
  expect(decodeSafetensors(readFileSync(path)).tensors.size).toBe(tensors.size);
});
