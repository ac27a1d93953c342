/** Models of all planes: slices of each, and predictions that are averaged on the volume's own grid. */
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { noteReference, trainHeads, trainingSchema, trainNetwork } from '../../src/adapt/index.js';
import { random, runWithoutPauses } from '../../src/core/index.js';
import {
  type Grid,
  loadSlices,
  postprocess,
  prepareVolume,
  preprocessingSchema,
  RestoredLabels,
  SlicePool,
  type Triple,
  type Volume,
  viewsOf,
} from '../../src/data/index.js';
import { loadSegmenter, Segmenter, saveSegmenter, segmentVolume } from '../../src/segmenter/index.js';
import { noGrad, tensor } from '../../src/torch/index.js';
import { contents, read, writeCase } from '../cache/cases.js';
import { newFolder } from '../new-folder.js';
import { unetSegmenter } from '../segmenters.js';

const asTheyAre = { kind: 'window', low: 0, high: 1 } as const;
const parse = (more: object = {}) => preprocessingSchema.parse({ axis: 'all', intensity: asTheyAre, ...more });
const half = { channels: 1, background: 'half' } as const;

/** Noise with the values of `seed` in [0, 1]. */
function volumeOf(shape: Triple, spacing: Triple = [1, 1, 1], seed = 1): Volume {
  const stream = random(seed, 'planes');
  const data = Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => stream.uniform());
  return { path: 'scan.nii', data, shape, spacing, affine: [], grid: undefined as unknown as Grid };
}

/** The volume with its axes in another order. */
function permuted<Values extends Float32Array | Uint8Array>(values: Values, side: number, order: readonly number[]) {
  const strides = [side * side, side, 1];
  return values.map((_, i) => {
    const place = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
    return values[order.reduce((sum, axis, to) => sum + place[to] * strides[axis], 0)];
  }) as Values;
}

describe('slices of all planes', () => {
  const shapes = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 1, max: 9 }))) as fc.Arbitrary<Triple>;
  const spacings = fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(0.7, 1, 2.5))) as fc.Arbitrary<Triple>;

  it('go back together to where they came from', () => {
    fc.assert(
      fc.property(shapes, spacings, (shape, spacing) => {
        const volume = volumeOf(shape, spacing);
        const prepared = viewsOf({}, parse()).map((view) => prepareVolume(volume, view));
        const restored = new RestoredLabels(
          prepared.map(({ geometry }) => geometry),
          half,
        );
        for (const [plane, { slices }] of prepared.entries()) restored.add(slices, 0, plane);
        expect([...restored.labels]).toEqual([...volume.data].map((value) => (value > 0.5 ? 1 : 0)));
      }),
      { numRuns: 50 },
    );
  });

  it('have a say where they show a voxel, and nowhere else', () => {
    // Slices of 8 x 8: two of the three planes leave the ends of the long axis out.
    const volume = volumeOf([20, 8, 8]);
    const prepared = viewsOf({}, parse({ size: [8, 8] })).map((view) => prepareVolume(volume, view));
    const geometries = prepared.map(({ geometry }) => geometry);
    const restored = new RestoredLabels(geometries, half);
    for (const [plane, { slices }] of prepared.entries()) restored.add(slices.fill(0.6), 0, plane);
    expect(restored.labels.every((label) => label === 1)).toBe(true);
  });

  it('average probabilities: two planes that are sure outweigh one that is not', () => {
    const { geometry } = prepareVolume(volumeOf([8, 8, 8]), parse({ axis: 'axial' }));
    const of = (values: number[], options: ConstructorParameters<typeof RestoredLabels>[1]) => {
      const restored = new RestoredLabels([geometry, geometry, geometry], options);
      for (const [plane, value] of values.entries()) {
        const maps = options.channels === 1 ? [value] : [1 - value, value / 2, value / 2 + 0.01];
        const slice = maps.flatMap((map) => Array<number>(64).fill(map));
        restored.add(Float32Array.from(Array<number[]>(8).fill(slice).flat()), 0, plane);
      }
      return new Set(restored.labels);
    };
    const channel = { channels: 3, background: 'channel' } as const;
    expect(of([0.9, 0.45, 0.45], half)).toEqual(new Set([1]));
    expect(of([0.9, 0.2, 0.2], half)).toEqual(new Set([0]));
    expect(of([0.99, 0.9, 0.4], channel)).toEqual(new Set([2]));
    expect(of([0.1, 0.2, 0.4], channel)).toEqual(new Set([0]));
  });

  it('are prepared case by case, plane by plane, in memory as in the cache', async () => {
    const root = newFolder();
    const cases = ['one', 'two'].map((name) => writeCase(root, name));
    const inMemory = loadSlices(cases, parse(), { classes: 2 });
    expect(inMemory.map((one) => [one.case.name, one.geometry.axis, one.images.shape[0]])).toEqual(
      ['one', 'two'].flatMap((name) => [
        [name, 'axial', 4],
        [name, 'coronal', 8],
        [name, 'sagittal', 12],
      ]),
    );
    const { slices } = await read(join(root, 'cache'), cases, parse());
    expect(contents(slices)).toEqual(contents(inMemory));
    // A data set that fixes the plane has its own.
    const fixed = { ...cases[0], preprocessing: { axis: 'coronal' as const } };
    expect(loadSlices([fixed], parse(), { classes: 2 }).map(({ geometry }) => geometry.axis)).toEqual(['coronal']);
  });

  it('are refused where one plane is meant', () => {
    expect(() => prepareVolume(volumeOf([2, 2, 2]), parse())).toThrow('slices of all planes');
    expect(() => parse({ slices: [0, 3] })).toThrow('leave `slices` out');
    expect(() => parse({ resampling: 'spline' })).toThrow('leave `resampling` out');
  });
});

describe('a model of all planes', () => {
  const preprocessing = parse();
  const model = unetSegmenter({ inChannels: 1, outChannels: 1, filters: 2 }, { preprocessing });
  beforeAll(() => model.initialise(1));

  it('turns its answer with the volume, if its network does not tell rows from columns', () => {
    const side = 16;
    const volume = volumeOf([side, side, side]);
    const { network } = model;
    noGrad(() => {
      for (const value of network.parameters().values())
        if (value.shape.length === 4) value.copy_(value.add(value.transpose(2, 3)).mul(0.5));
      // About half of the voxels are inside.
      const logits = network.logits(network.encode(tensor(volume.data, [side, 1, side, side])));
      const bias = network.state().get('out_path.2.bias')!;
      bias.copy_(bias.sub(logits.mean()));
    });
    const labels = segmentVolume(model, volume);
    expect(new Set(labels)).toEqual(new Set([0, 1]));
    const orders = [
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    for (const order of orders) {
      const turned = segmentVolume(model, { ...volume, data: permuted(volume.data, side, order) });
      const expected = permuted(labels, side, order);
      // Sums of three are rounded in another order: a voxel in a thousand may lie on the edge.
      expect(turned.filter((label, i) => label !== expected[i]).length).toBeLessThan(5);
    }
  });

  it('answers on the grid of any volume, and says the same when it is read again', () => {
    const file = join(newFolder(), 'model.safetensors');
    saveSegmenter(file, model);
    using again = loadSegmenter(file);
    expect(again.preprocessing).toEqual(preprocessing);
    for (const [shape, spacing] of [
      [
        [5, 20, 9],
        [4, 0.7, 1],
      ],
      [
        [1, 7, 3],
        [1, 1, 1],
      ],
    ] as [Triple, Triple][]) {
      const volume = volumeOf(shape, spacing);
      const labels = segmentVolume(again, volume);
      expect(labels).toHaveLength(volume.data.length);
      expect(labels).toEqual(segmentVolume(model, volume));
      const blank = { ...volume, data: volume.data.map(() => 0.3) };
      expect(segmentVolume(model, blank)).toHaveLength(volume.data.length);
    }
  });

  it('does to masks what its file says', () => {
    const file = join(newFolder(), 'model.safetensors');
    const postprocessing = { largest: true, fill: true };
    const { config, classes, preparation, family } = model;
    using tidy = new Segmenter({ family, config, classes, preparation: { ...preparation, postprocessing } });
    tidy.loadState(model.state(), 'model');
    saveSegmenter(file, tidy);
    using again = loadSegmenter(file);
    const volume = volumeOf([6, 16, 16]);
    const expected = segmentVolume(model, volume);
    runWithoutPauses(postprocess(expected, volume.shape, postprocessing));
    expect(segmentVolume(again, volume)).toEqual(expected);
    expect(again.preparation.postprocessing).toEqual(postprocessing);
    expect(model.preparation).not.toHaveProperty('postprocessing');
  });

  it('is trained on each plane, and its profile counts cases', async () => {
    const root = newFolder();
    const cases = ['one', 'two'].map((name) => writeCase(root, name, { shape: [8, 8, 16] }));
    const slices = loadSlices(cases, preprocessing, { classes: 2 });
    using trained = unetSegmenter({ inChannels: 1, outChannels: 1, filters: 2 }, { preprocessing });
    trained.initialise(1);
    using pool = new SlicePool(slices);
    expect(pool.size).toBe(2 * (8 + 8 + 16));
    const config = trainingSchema.parse({ epochs: 1, headEpochs: 1 });
    for await (const _ of trainNetwork(trained, pool, slices.slice(0, 3), config, { seed: 1 }));
    for await (const _ of trainHeads(trained, pool, config, { seed: 1 }));
    runWithoutPauses(noteReference(trained, slices, 2));
    expect(trained.profile?.cases).toBe(2);
    expect(trained.reference?.cases).toBe(2);
  });
});
