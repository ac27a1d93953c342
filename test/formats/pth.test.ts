import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type PthTensor,
  type PthValue,
  type RawTensor,
  readCheckpoint,
  readMetadata,
  readPth,
  readSafetensors,
  stateDictOf,
  writeSafetensors,
} from '../../src/formats/index.js';
import { asFloats, codeOf, floats, folderOfFiles, legacyPth, p, zip, zipPth } from './fixtures.js';

const files = folderOfFiles();
const read = (bytes: Uint8Array) => readPth(files.write(bytes));
const plain = (value: PthValue) => asFloats((value as PthTensor).data);

describe.each(['sam-checkpoint', 'sam-checkpoint-legacy'])('%s as PyTorch wrote it', (name) => {
  it('holds the weights that the reference loaded', () => {
    const { tensors } = readCheckpoint(`test/golden/${name}/checkpoint.pth`);
    const { tensors: expected } = readSafetensors(`test/golden/${name}/tensors.safetensors`);
    let compared = 0;
    for (const [key, want] of expected) {
      const got = tensors.get(key.replace(/^expected\./, ''));
      // Position tables were resized to another image size.
      if (!got || got.shape.join() !== want.shape.join()) continue;
      expect(Buffer.compare(got.data, want.data), key).toBe(0);
      compared++;
    }
    expect(compared).toBe(166);
  });
});

describe('both layouts', () => {
  const storage = p.storage('FloatStorage', '0', 6);
  const body = p.ordered({
    whole: p.tensor(storage, [2, 3], [3, 1]),
    turned: p.tensor(storage, [3, 2], [1, 3]),
    row: p.tensor(storage, [3], [1], 3),
    every: p.tensor(storage, [3], [2], 1),
    repeated: p.tensor(storage, [2, 2], [0, 1], 4),
    scalar: p.tensor(storage, [], [], 5),
    empty: p.tensor(storage, [0, 2], [2, 1]),
    parameter: p.call('torch._utils', '_rebuild_parameter', p.tensor(storage, [1], [1]), p.true, p.none),
  });
  const data = floats(0, 1, 2, 3, 4, 5);
  const written: Record<string, Buffer> = {
    zip: zipPth(body, { 0: data }),
    'zip, deflated': zipPth(body, { 0: data }, { deflate: true }),
    zip64: zipPth(body, { 0: data }, { zip64: true }),
    legacy: legacyPth(body, { 0: [6, data] }),
  };
  it.each(Object.keys(written))('%s: views are row-major', (layout) => {
    const dict = stateDictOf(read(written[layout]!), 'x');
    expect(Object.fromEntries([...dict].map(([name, { data }]) => [name, asFloats(data)]))).toEqual({
      whole: [0, 1, 2, 3, 4, 5],
      turned: [0, 3, 1, 4, 2, 5],
      row: [3, 4, 5],
      every: [1, 3, 5],
      repeated: [4, 5, 4, 5],
      scalar: [5],
      empty: [],
      parameter: [0],
    });
    expect(dict.get('turned')).toMatchObject({ dtype: 'float32', shape: [3, 2] });
  });

  it('transposes every element size without a change to the bits', () => {
    const types = { Double: 8, Half: 2, BFloat16: 2, Long: 8, Int: 4, Short: 2, Char: 1, Byte: 1, Bool: 1 };
    for (const [type, size] of Object.entries(types)) {
      const bytes = Uint8Array.from({ length: 4 * size }, (_, i) => 255 - i);
      const tensor = p.tensor(p.storage(`${type}Storage`, '0', 4), [2, 2], [1, 2]);
      const item = (i: number) => [...bytes.subarray(i * size, (i + 1) * size)];
      const got = read(zipPth(tensor, { 0: bytes })) as PthTensor;
      expect([...got.data], type).toEqual([...item(0), ...item(2), ...item(1), ...item(3)]);
    }
  });

  it('knows storages that are views of others, of very old files', () => {
    const view = p.storage('FloatStorage', '0', 4, p.tuple(p.text('9'), p.int(1), p.int(3)));
    expect(plain(read(legacyPth(p.tensor(view, [2], [1], 1), { 0: [4, floats(0, 1, 2, 3)] })))).toEqual([2, 3]);
    const beyond = p.storage('FloatStorage', '0', 4, p.tuple(p.text('9'), p.int(1), p.int(4)));
    expect(codeOf(() => read(legacyPth(p.tensor(beyond, [2], [1]))))).toBe('PTH_DAMAGED');
  });

  it('reads what stands beside the weights', () => {
    const body = p.dict({
      epoch: p.int(3),
      none: p.none,
      betas: p.tuple(p.raw('G', Buffer.from('3feccccccccccccd', 'hex')), p.true),
      big: p.raw(0x8a, 9, Buffer.from('000000000000000001', 'hex')),
      negative: p.raw(0x8a, 1, 0xfe),
      milestones: p.call('collections', 'Counter', p.dict({ a: p.int(2) })),
      tags: p.call('__builtin__', 'set', p.list(p.text('a'), p.text('a'))),
      size: p.call('torch', 'Size', p.tuple(p.int(1), p.int(2))),
      device: p.call('torch', 'device', p.text('cuda'), p.int(1)),
      dtype: p.global('torch', 'float16'),
      bytes: p.call('_codecs', 'encode', p.text('\u00ff\u0001'), p.text('latin1')),
      // As NumPy pickles `float64(1.5)`; versions before 2 name the module without the underscore.
      ...Object.fromEntries(
        ['numpy.core.multiarray', 'numpy._core.multiarray'].map((module) => [
          module,
          p.call(
            module,
            'scalar',
            p.raw(
              p.call('numpy', 'dtype', p.text('f8'), p.false, p.true),
              p.tuple(p.int(3), p.text('<'), p.none, p.none, p.none, p.int(-1), p.int(-1), p.int(0)),
              'b',
            ),
            p.call('_codecs', 'encode', p.text('\0\0\0\0\0\0\u00f8\u003f'), p.text('latin1')),
          ),
        ]),
      ),
    });
    expect(Object.fromEntries(read(zipPth(body)) as Map<string, PthValue>)).toEqual({
      epoch: 3,
      none: null,
      betas: [0.9, true],
      big: 2n ** 64n,
      negative: -2,
      milestones: new Map([['a', 2]]),
      tags: new Set(['a']),
      size: [1, 2],
      device: 'cuda:1',
      dtype: 'torch.float16',
      bytes: Uint8Array.of(255, 1),
      'numpy.core.multiarray': 1.5,
      'numpy._core.multiarray': 1.5,
    });
  });
});

describe('nothing in a file is run', () => {
  it.each([
    ['os', 'system'],
    ['builtins', 'eval'],
    ['__main__', 'Trainer'],
    ['torch.nn.modules.container', 'Sequential'],
    ['collections', '__proto__'],
    ['torch', 'constructor'],
  ])('%s.%s is refused by name', (module, name) => {
    for (const file of [zipPth, legacyPth]) {
      expect(() => read(file(p.call(module, name, p.text('true'))))).toThrow(`"${module}.${name}"`);
    }
    expect(codeOf(() => read(zipPth(p.raw(p.text(module), p.text(name), 0x93))))).toBe('PTH_FORBIDDEN');
  });

  it('neither are calls of values nor states set on them', () => {
    expect(codeOf(() => read(zipPth(p.raw(p.text('a'), p.tuple(), 'R'))))).toBe('PTH_FORBIDDEN');
    expect(codeOf(() => read(zipPth(p.raw(p.list(), p.dict({}), 'b'))))).toBe('PTH_FORBIDDEN');
    expect(codeOf(() => read(zipPth(p.call('torch', 'FloatStorage'))))).toBe('PTH_FORBIDDEN');
  });
});

describe('refused with the reason', () => {
  const vector = (shape: number[], strides: number[], offset = 0) =>
    zipPth(p.tensor(p.storage('FloatStorage', '0', 2), shape, strides, offset), { 0: floats(1, 2) });
  const cases: Record<string, [Uint8Array, string]> = {
    'a view beyond its storage': [vector([3], [1]), 'PTH_DAMAGED'],
    'an offset beyond its storage': [vector([1], [1], 2), 'PTH_DAMAGED'],
    'a negative stride': [vector([2], [-1], 1), 'PTH_DAMAGED'],
    'more sizes than strides': [vector([1, 1], [1]), 'PTH_DAMAGED'],
    'a shape that overflows': [vector(Array(8).fill(2 ** 30), Array(8).fill(0)), 'PTH_DAMAGED'],
    'a huge view of one element': [vector([2 ** 30, 2 ** 10], [0, 0]), 'PTH_TOO_LARGE'],
    'a storage shorter than said': [
      zipPth(p.tensor(p.storage('FloatStorage', '0', 4), [4], [1]), { 0: floats(1) }),
      'PTH_DAMAGED',
    ],
    'a storage that is absent': [zipPth(p.tensor(p.storage('FloatStorage', '0', 1), [1], [1])), 'PTH_DAMAGED'],
    'complex numbers': [zipPth(p.storage('ComplexFloatStorage', '0', 1)), 'TENSOR_DTYPE_UNSUPPORTED'],
    'float8 numbers': [
      zipPth(p.call('torch._utils', '_rebuild_tensor_v3', ...Array(6).fill(p.none), p.global('torch', 'float8_e5m2'))),
      'TENSOR_DTYPE_UNSUPPORTED',
    ],
    'a TorchScript program': [zip({ 'a/data.pkl': Buffer.of(), 'a/constants.pkl': Buffer.of() }), 'PTH_UNSUPPORTED'],
    'a big-endian zip': [zip({ 'a/data.pkl': Buffer.of(), 'a/byteorder': Buffer.from('big') }), 'PTH_UNSUPPORTED'],
    'a big-endian legacy file': [legacyPth(p.none, {}, false), 'PTH_UNSUPPORTED'],
    'a zip without data.pkl': [zip({ 'a/b': Buffer.of(1) }), 'PTH_DAMAGED'],
    'a tar file': [Buffer.concat([Buffer.alloc(257, 'x'), Buffer.from('ustar\0')]), 'PTH_UNSUPPORTED'],
    'another pickle': [p.raw(0x80, 2, 'N.'), 'PTH_UNSUPPORTED'],
  };
  it.each(Object.keys(cases))('%s', (name) => {
    const [bytes, code] = cases[name]!;
    expect(codeOf(() => read(bytes))).toBe(code);
  });

  it('a damaged storage, by its checksum', () => {
    const bytes = zipPth(p.tensor(p.storage('FloatStorage', '0', 1), [1], [1]), { 0: floats(123456) });
    bytes[bytes.indexOf(floats(123456))]! ^= 1;
    expect(() => read(bytes)).toThrow('archive/data/0 with its checksum');
  });
});

describe('bombs cost neither time nor memory', () => {
  const uint64 = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  const many = p.list(...Array(2000).fill(p.none));
  const bombs: Record<string, Buffer> = {
    'deep nesting': p.raw(']'.repeat(50_000), 'a'.repeat(49_999)),
    'marks without end': p.raw('('.repeat(200_000)),
    'a list that doubles': p.raw(']', Buffer.from('2a'.repeat(50_000))),
    'a list copied again and again': p.raw(
      many,
      Buffer.of(0x71, 0),
      ...Array(5000).fill(p.raw(p.global('builtins', 'set'), 'h', 0, 0x85, 'R0')),
      'N',
    ),
    'a huge whole number': p.raw(0x8b, Buffer.from('ffffff7f', 'hex')),
    'a whole number of many digits': p.raw('L', '9'.repeat(100_000), 'L\n'),
    'a huge text': p.raw(0x8d, uint64(2n ** 62n)),
    'huge bytes': p.raw(0x8e, uint64(2n ** 64n - 1n)),
    'far memo places': p.raw(...Array(1000).fill(p.raw('Nr', Buffer.from('ffffffff', 'hex'), '0')), 'N'),
    'a dict within itself': p.raw('}', Buffer.of(0x71, 0), 'N', 'h', 0, 's'),
    'escapes in one line': p.raw('V', '\\u0041'.repeat(1_000_000), '\n'),
    'lines of escapes': p.raw('(', 'V\\u0041\n'.repeat(300_000), 't'),
    'lines of digits': p.raw('(', 'I1\n'.repeat(600_000), 't'),
    'lines of decimals': p.raw('(', 'F1.5\n'.repeat(500_000), 't'),
    'short texts': p.raw('(', 'U\x01a'.repeat(1_500_000), 't'),
    'a nest as device': p.call('torch', 'device', p.text('cpu'), p.raw('))', '2\x862\x86'.repeat(2000), '0')),
  };
  it.each(Object.keys(bombs))('%s', (name) => {
    const before = process.memoryUsage().rss;
    for (const file of [zipPth, legacyPth]) {
      const code = codeOf(() => stateDictOf(read(file(bombs[name]!)), 'x'));
      expect(['PTH_DAMAGED', 'PTH_TOO_LARGE', 'PTH_FORBIDDEN', 'STATE_DICT_MISSING']).toContain(code);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
  });

  it('a zip bomb', () => {
    const bomb = zip({ 'a/data.pkl': Buffer.of(), 'a/data/0': Buffer.alloc(2 ** 24) }, { deflate: true });
    expect(codeOf(() => read(bomb))).toBe('PTH_DAMAGED');
  });

  it('two entries of one place', () => {
    const bytes = zip({ 'a/data.pkl': Buffer.of(1), 'a/data/0': Buffer.of(1) });
    bytes.writeUInt32LE(0, bytes.lastIndexOf('PK\x01\x02') + 42);
    expect(() => read(bytes)).toThrow('overlapping');
  });
});

describe('any damage: read or refused, never another error', () => {
  const body = p.dict({
    state_dict: p.ordered({ 'module.w': p.tensor(p.storage('FloatStorage', '0', 4), [2, 2], [1, 2]) }),
    epoch: p.int(1),
  });
  const data = floats(1, 2, 3, 4);
  const goods = [
    zipPth(body, { 0: data }),
    zipPth(body, { 0: data }, { deflate: true, zip64: true }),
    legacyPth(body, { 0: [4, data] }),
  ];
  const good = fc.constantFrom(...goods);
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
  const opcodes = [
    ...'(.012ghjqrtNIJKMGUX]})lae}dsuRbQc\n',
    '\x80\x81\x85\x86\x87\x88\x8a\x8c\x8f\x90\x91\x93\x94\x95',
  ];
  const instructions = fc
    .array(
      fc.oneof(fc.constantFrom(...opcodes.map((code) => Buffer.from(code, 'latin1'))), fc.uint8Array({ maxLength: 3 })),
    )
    .map((parts) => Buffer.concat(parts));
  const survives = (bytes: Uint8Array) => {
    codeOf(() => readPth(files.write(bytes)));
    codeOf(() => readCheckpoint(files.path('file')));
  };

  it('bytes flipped', () => {
    fc.assert(
      fc.property(good, flips, (bytes, changes) => {
        const damaged = Uint8Array.from(bytes);
        for (const [at, byte] of changes) damaged[at % bytes.length] = byte;
        survives(damaged);
      }),
      { numRuns: 1500 },
    );
  });
  it('cut off', () => {
    for (const bytes of goods) {
      for (let end = 0; end < bytes.length; end += 3) expect(codeOf(() => read(bytes.subarray(0, end)))).toBeDefined();
    }
  });
  it('random bytes and instructions', () => {
    fc.assert(fc.property(fc.uint8Array(), survives), { numRuns: 200 });
    fc.assert(
      fc.property(instructions, (code) => {
        survives(zipPth(code));
        survives(legacyPth(code));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a checkpoint', () => {
  const tensor = p.tensor(p.storage('FloatStorage', '0', 1), [1], [1]);
  const check = (body: Buffer) => readCheckpoint(files.write(zipPth(body, { 0: floats(7) }))).tensors;

  it('is found under the usual keys, also one inside another', () => {
    for (const key of ['state_dict', 'model', 'model_state_dict', 'net', 'network', 'weights']) {
      const weights = p.dict({ epoch: p.int(1), [key]: p.dict({ 'module.a': tensor, b: tensor }) });
      for (const body of [weights, p.dict({ model: weights })]) {
        const tensors = check(body);
        expect([...tensors.keys()]).toEqual(['module.a', 'b']);
        expect(asFloats(tensors.get('b')!.data)).toEqual([7]);
      }
    }
  });

  it('without weights is refused with the keys that were found', () => {
    const body = p.dict({ epoch: p.int(1), encoder: p.dict({ a: tensor }) });
    expect(() => check(body)).toThrow('found a dict with "epoch" (a number), "encoder" (a dict)');
    expect(() => check(tensor)).toThrow('found a tensor');
  });

  it('is known by its content, not its name', () => {
    const tensors = new Map<string, RawTensor>([['a', { dtype: 'float32', shape: [1], data: floats(1) }]]);
    writeSafetensors(files.path('model.pth'), tensors, { method: 'lora' });
    expect(readCheckpoint(files.path('model.pth'))).toEqual({ tensors, metadata: { method: 'lora' } });
    expect(readMetadata(files.path('model.pth'))).toEqual({ method: 'lora' });
    expect(readMetadata('test/golden/sam-checkpoint/checkpoint.pth')).toEqual({});
    const page = files.write(Buffer.from('<!DOCTYPE html>'));
    expect(() => readMetadata(page)).toThrow('begins with "<!DOCTYPE html>"');
    expect(() => readCheckpoint(page)).toThrow('begins with "<!DOCTYPE html>"');
    expect(() => readCheckpoint(files.write(Buffer.of()))).toThrow('an empty file');
  });
});
