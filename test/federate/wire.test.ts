/** What travels: numbers come back as promised, garbage is refused with a typed error, sizes are what is claimed. */
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import { decodePayload, encodePayload, groupSize, receive, send, wireFormats } from '../../src/federate/wire/index.js';
import type { State } from '../../src/nn/index.js';
import { setThreads, type Tensor, tensor, zeros } from '../../src/torch/index.js';

setThreads(1);

const shapes = fc
  .array(fc.integer({ min: 1, max: 70 }), { minLength: 0, maxLength: 4 })
  .filter((shape) => size(shape) < 20_000);
const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
/** float32 values of very different sizes, as updates have them. */
const tensors = fc.tuple(shapes, fc.integer(), fc.integer({ min: -30, max: 20 })).map(([shape, seed, exponent]) => {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const values = Float32Array.from({ length: size(shape) }, () => next() * 2 ** (exponent + 8 * next()));
  return tensor(values, shape);
});
const limit = 10_000_000;
const from = 'a site';

function travel(values: State, wire: keyof typeof wireFormats, compression: 'none' | 'deflate' = 'none'): State {
  const format = wireFormats[wire];
  const { coded } = send(values, format, new Map());
  const { bytes } = encodePayload(coded, format, {}, compression);
  return receive(decodePayload(bytes, format, compression, { limit, from }).coded, format);
}

describe('a wire format', () => {
  it('fp32 gives back the same bits', () => {
    fc.assert(
      fc.property(tensors, (value) => {
        const back = travel(new Map([['x', value]]), 'fp32', 'deflate').get('x')!;
        expect([back.shape, back.toBytes()]).toEqual([value.shape, value.toBytes()]);
      }),
      { numRuns: 40 },
    );
  });

  it('bf16 is off by at most 2^-8 of each number', () => {
    fc.assert(
      fc.property(tensors, (value) => {
        const [want, got] = [
          value.toArray(),
          travel(new Map([['x', value]]), 'bf16')
            .get('x')!
            .toArray(),
        ];
        for (const [i, x] of want.entries()) expect(Math.abs(got[i] - x)).toBeLessThanOrEqual(Math.abs(x) * 2 ** -8);
      }),
      { numRuns: 40 },
    );
  });

  it('int8 is off by at most 0.51/127 of the largest number in its group along the longer side', () => {
    fc.assert(
      fc.property(tensors, (value) => {
        const [want, got] = [
          value.toArray(),
          travel(new Map([['x', value]]), 'int8')
            .get('x')!
            .toArray(),
        ];
        const [rows = 1, ...others] = value.shape;
        const columns = size(others);
        const groupOf = (i: number) => {
          const [row, column] = [Math.floor(i / columns), i % columns];
          return rows > columns
            ? `${column} ${Math.floor(row / groupSize)}`
            : `${row} ${Math.floor(column / groupSize)}`;
        };
        const largest = new Map<string, number>();
        for (const [i, x] of want.entries())
          largest.set(groupOf(i), Math.max(largest.get(groupOf(i)) ?? 0, Math.abs(x)));
        expect(largest.size).toBe(wireFormats.int8.scaleCount(value.shape));
        for (const [i, x] of want.entries())
          expect(Math.abs(got[i] - x)).toBeLessThanOrEqual((0.51 / 127) * largest.get(groupOf(i))!);
      }),
      { numRuns: 60 },
    );
  });

  it('never turns what is no number into one', () => {
    const value = tensor([1, Number.NaN, 2, Number.POSITIVE_INFINITY, 3, 4], [2, 3]);
    for (const wire of ['fp32', 'bf16', 'int8'] as const) {
      const got = travel(new Map([['x', value]]), wire)
        .get('x')!
        .toArray();
      expect(Number.isFinite(got[1]) || Number.isFinite(got[3])).toBe(false);
    }
  });

  it.each(['bf16', 'int8'] as const)('%s carries what it lost: many small changes arrive in the end', (wire) => {
    const format = wireFormats[wire];
    let residue: State = new Map();
    let arrived: Tensor = zeros([64]);
    const change = tensor(Float32Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0.001)));
    for (let round = 0; round < 200; round++) {
      const { seen, residue: left } = send(new Map([['x', change]]), format, residue);
      arrived = arrived.add(seen.get('x')!);
      residue = left;
    }
    const values = arrived.toArray();
    expect(values[0]).toBeCloseTo(200, 0);
    for (const value of values.subarray(1)) expect(value).toBeCloseTo(0.2, 2);
  });
});

/** FLAP-SAM's plan for ViT-B at rank 32 with two classes: factors, and the decoder's head. */
function flapSam(): State {
  const state: State = new Map();
  const add = (name: string, ...shape: number[]) => state.set(name, zeros(shape));
  const pair = (path: string, letter: string, inputs: number, out: number) => {
    add(`${path}.lora_w_a_${letter}.0.weight`, 32, inputs);
    add(`${path}.lora_w_b_${letter}.0.weight`, out, 32);
  };
  for (let block = 0; block < 12; block++)
    for (const letter of ['q', 'v']) pair(`image_encoder.blocks.${block}.attn`, letter, 768, 768);
  const decoder = 'mask_decoder.transformer';
  for (const letter of ['q', 'v']) {
    for (const layer of [0, 1]) {
      pair(`${decoder}.layers.${layer}.self_attn`, letter, 256, 256);
      pair(`${decoder}.layers.${layer}.cross_attn_token_to_image`, letter, 256, 128);
      pair(`${decoder}.layers.${layer}.cross_attn_image_to_token`, letter, 256, 128);
    }
    pair(`${decoder}.final_attn_token_to_image`, letter, 256, 128);
  }
  for (const head of [0, 1, 2])
    for (const [layer, [inputs, out]] of [
      [256, 256],
      [256, 256],
      [256, 8],
    ].entries()) {
      add(`mask_decoder.output_hypernetworks_mlps.${head}.layers.${layer}.weight`, out, inputs);
      add(`mask_decoder.output_hypernetworks_mlps.${head}.layers.${layer}.bias`, out);
    }
  for (const [i, [inputs, out]] of [
    [256, 64],
    [64, 32],
    [32, 16],
    [16, 8],
  ].entries()) {
    add(`mask_decoder.output_upscaling.${3 * i}.weight`, inputs, out, 2, 2);
    add(`mask_decoder.output_upscaling.${3 * i}.bias`, out);
    if (i < 3) for (const part of ['weight', 'bias']) add(`mask_decoder.output_upscaling.${3 * i + 1}.${part}`, out);
  }
  add('mask_decoder.mask_tokens.weight', 3, 256);
  return state;
}

describe('a payload', () => {
  it.each([
    ['fp32', 48],
    ['bf16', 95],
    ['int8', 185],
  ] as const)('of flap-sam at ViT-B in %s is, with framing, at most 1/%i of the whole model', (wire, times) => {
    const state = flapSam();
    expect([...state.values()].reduce((sum, value) => sum + value.size, 0)).toBe(1_846_384);
    const metadata = { format: 'graft-federation', round: '25', base: 'f'.repeat(64), plan: 'flap-sam', wire };
    const { bytes } = encodePayload(
      send(state, wireFormats[wire], new Map()).coded,
      wireFormats[wire],
      metadata,
      'none',
    );
    expect((4 * 90_532_927) / bytes.length).toBeGreaterThan(times);
  });

  it('keeps names, shapes and metadata, and is the same for the same content', () => {
    const state: State = new Map([
      ['b', zeros([3, 5])],
      ['a', zeros([130])],
    ]);
    const encode = (values: State) =>
      encodePayload(send(values, wireFormats.int8, new Map()).coded, wireFormats.int8, { round: '3' }, 'none').bytes;
    const bytes = encode(state);
    expect(encode(new Map([...state].reverse()))).toEqual(bytes);
    const { coded, metadata } = decodePayload(bytes, wireFormats.int8, 'none', { limit, from });
    expect(metadata).toEqual({ round: '3' });
    expect(Object.fromEntries([...coded].map(([name, { shape }]) => [name, shape]))).toEqual({ a: [130], b: [3, 5] });
  });

  const typed = (bytes: Uint8Array, wire: keyof typeof wireFormats, compression: 'none' | 'deflate', most = limit) => {
    try {
      decodePayload(bytes, wireFormats[wire], compression, { limit: most, from });
      return 'decoded';
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      return error.code;
    }
  };

  it('that is garbage, cut short or changed in its header is refused with a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('none', 'deflate'), (bytes, compression) => {
        expect(typed(bytes, 'int8', compression as 'none')).toBe('PAYLOAD_INVALID');
      }),
    );
    const coded = send(new Map([['layer.weight', tensor([1, 2, 3])]]), wireFormats.int8, new Map()).coded;
    for (const compression of ['none', 'deflate'] as const) {
      const { bytes } = encodePayload(coded, wireFormats.int8, {}, compression);
      for (let length = 0; length < bytes.length; length++)
        expect(typed(bytes.subarray(0, length), 'int8', compression)).toBe('PAYLOAD_INVALID');
      for (let i = 0; i < bytes.length; i++) {
        const changed = Uint8Array.from(bytes);
        changed[i] ^= 0x15;
        expect(['PAYLOAD_INVALID', 'decoded']).toContain(typed(changed, 'int8', compression));
      }
    }
  });

  it('in another wire format, or with another number of scales, is refused', () => {
    const coded = send(new Map([['x', tensor([1, 2, 3])]]), wireFormats.int8, new Map()).coded;
    expect(typed(encodePayload(coded, wireFormats.int8, {}, 'none').bytes, 'fp32', 'none')).toBe('PAYLOAD_INVALID');
    coded.get('x')!.scales = new Uint8Array(6);
    expect(typed(encodePayload(coded, wireFormats.int8, {}, 'none').bytes, 'int8', 'none')).toBe('PAYLOAD_INVALID');
  });

  it('cannot fill the memory by being compressed', () => {
    const coded = send(new Map([['x', zeros([1_000_000])]]), wireFormats.fp32, new Map()).coded;
    const { bytes, length } = encodePayload(coded, wireFormats.fp32, {}, 'deflate');
    expect(bytes.length).toBeLessThan(10_000);
    expect(typed(bytes, 'fp32', 'deflate', length - 1)).toBe('PAYLOAD_INVALID');
    expect(typed(bytes, 'fp32', 'deflate', length)).toBe('decoded');
  });

  it('is compressed with zstd where Node.js has it, and says so where not', () => {
    const coded = send(new Map([['x', zeros([1000])]]), wireFormats.fp32, new Map()).coded;
    const encode = () => encodePayload(coded, wireFormats.fp32, {}, 'zstd');
    if ('zstdCompressSync' in zlib) {
      const { bytes, length } = encode();
      expect(bytes.length).toBeLessThan(length / 4);
      expect(decodePayload(bytes, wireFormats.fp32, 'zstd', { limit, from }).coded.get('x')?.shape).toEqual([1000]);
    } else expect(encode).toThrow(expect.objectContaining({ code: 'COMPRESSION_MISSING' }));
  });
});
