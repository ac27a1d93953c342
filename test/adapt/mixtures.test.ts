/** Targets of any mixture of sizes and spacings, which one hospital's scanners give, through every method. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrate } from '../../src/adapt/calibrate.js';
import {
  type Adaptation,
  adapt,
  noteReference,
  trainHeads,
  trainingSchema,
  trainNetwork,
} from '../../src/adapt/index.js';
import { random, runWithoutPauses } from '../../src/core/index.js';
import {
  type CaseSlices,
  prepareLabel,
  prepareVolume,
  preprocessingSchema,
  SlicePool,
  type Volume,
} from '../../src/data/index.js';
import { networkFamilies } from '../../src/networks/index.js';
import { statisticsPolicies } from '../../src/peft/index.js';
import { segmentVolume } from '../../src/segmenter/index.js';
import { noGrad, tensor } from '../../src/torch/index.js';
import { configure, finish, small } from './small.js';

/** Voxels and mm, [z, y, x]. */
interface Scan {
  shape: [number, number, number];
  spacing: [number, number, number];
}

/** A bright ball in noise, and its label. */
function scanned({ shape, spacing }: Scan, name: string): { volume: Volume; label: Uint8Array } {
  const { normal } = random(1, 'scan', name);
  const [d, h, w] = shape;
  const radius = Math.min(h * spacing[1], w * spacing[2]) / 3;
  const label = Uint8Array.from({ length: d * h * w }, (_, i) => {
    const place = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    const r = Math.hypot(...place.map((at, axis) => (at - (shape[axis] - 1) / 2) * spacing[axis]));
    return r < radius ? 1 : 0;
  });
  const data = Float32Array.from(label, (inside) => 100 + 500 * inside + normal(0, 30));
  const affine = [spacing[2], 0, 0, 0, 0, spacing[1], 0, 0, 0, 0, spacing[0], 0, 0, 0, 0, 1];
  const grid: Volume['grid'] = {
    ...{ version: 1, littleEndian: true, header: new Uint8Array(348), dims: [w, h, d] },
    orientation: { axes: [0, 1, 2], flips: [false, false, false] },
  };
  return { volume: { path: `${name}.nii`, data, shape, spacing, affine, grid }, label };
}

const preprocessing = preprocessingSchema.parse({ intensity: { kind: 'min-max' } });

function prepared(scan: Scan, name: string): CaseSlices {
  const { volume, label } = scanned(scan, name);
  const { slices, shape, geometry } = prepareVolume(volume, preprocessing);
  return {
    case: { site: 'target', name, image: volume.path },
    images: tensor(slices, [shape[0], 1, shape[1], shape[2]]).keep(),
    labels: prepareLabel({ ...volume, data: label }, preprocessing),
    geometry,
    spacing: [scan.spacing[0], ...geometry.spacing],
  };
}

const side = fc.integer({ min: 3, max: 20 });
const step = fc.constantFrom(0.5, 1, 3);
const scan: fc.Arbitrary<Scan> = fc.record({
  shape: fc.tuple(fc.integer({ min: 1, max: 4 }), side, side),
  spacing: fc.tuple(fc.constantFrom(1, 2, 8), step, step),
});
const mixture = fc.array(scan, { minLength: 1, maxLength: 4 });
const context = { seed: 1, name: 'target', toleranceMm: 2 };

/** What leaves a loop is finite, whatever it was fed. */
const expectFinite = (state: Iterable<[string, { toArray(): ArrayLike<number | bigint> }]>) => {
  for (const [name, value] of state)
    expect(Array.from(value.toArray(), Number).every(Number.isFinite), name).toBe(true);
};

describe('a target of any mixture of sizes', () => {
  it('adapts by every method and statistics policy, with and without calibration and guard', async () => {
    const config = fc.record({
      method: fc.constantFrom(...Object.keys(networkFamilies.unet2d.methods)),
      statistics: fc.constantFrom(...statisticsPolicies),
      calibrate: fc.boolean(),
      guard: fc.boolean(),
      batch: fc.constantFrom(1, 3, 16),
    });
    const { model } = small();
    model.reference = {
      volumeMl: { low: 0, high: 1e9 },
      entropy: { low: 0, high: 1e9 },
      agreement: { low: 0, high: 1 },
      cases: 1,
    };
    await fc.assert(
      fc.asyncProperty(mixture, config, async (scans, chosen) => {
        const target = scans.map((one, i) => prepared(one, `case ${i}`));
        const settings: Partial<Adaptation> = { ...chosen, epochs: 1, passes: 1 };
        const { end } = await finish(adapt(model, target, configure(settings), context));
        expectFinite(end.adapter.state);
        for (const look of end.looks) expect(Number.isFinite(look.volumeMl + look.entropy + look.agreement)).toBe(true);
        model.use(end.adapter);
        const { volume } = scanned(scans[0], 'unseen');
        expect(segmentVolume(model, volume).length).toBe(volume.data.length);
        model.use(undefined);
        for (const value of end.adapter.state.values()) value.dispose();
        for (const { images } of target) images.dispose();
      }),
      { numRuns: 40 },
    );
  });

  it('trains a network and its heads, and tells what their outputs look like', async () => {
    const { model } = small();
    const config = trainingSchema.parse({ epochs: 1, headEpochs: 1, batch: 3 });
    await fc.assert(
      fc.asyncProperty(mixture, async (scans) => {
        const cases = scans.map((one, i) => prepared(one, `case ${i}`));
        using pool = new SlicePool(cases);
        for await (const _ of trainNetwork(model, pool, cases, config, { seed: 1 }));
        for await (const _ of trainHeads(model, pool, config, { seed: 1 }));
        runWithoutPauses(noteReference(model, cases, 2));
        expectFinite(model.state());
        expect(model.reference?.cases).toBe(scans.length);
        for (const { images } of cases) images.dispose();
      }),
      { numRuns: 8 },
    );
  });
});

describe('a mean over a mixture of sizes', () => {
  const scans: Scan[] = [
    { shape: [3, 16, 16], spacing: [5, 1, 1] },
    { shape: [2, 8, 24], spacing: [5, 1, 1] },
    { shape: [1, 24, 24], spacing: [5, 1, 1] },
  ];

  it('of probabilities counts every pixel once: the calibrated head segments as much as the network', () => {
    const { model } = small();
    const head = model.heads.get(3)!;
    head.shift([1]);
    const target = scans.map((one, i) => prepared(one, `case ${i}`));
    const means = () =>
      noGrad(() => {
        const [sums, pixels] = [[0, 0], target.reduce((sum, { images }) => sum + images.size, 0)];
        for (const { images } of target) {
          const features = model.network.encode(images);
          [head.read(features), model.network.logits(features)].forEach((logits, i) => {
            sums[i] += logits.sigmoid().sum().item() / pixels;
          });
        }
        return sums;
      });
    const batches = target.map(({ images }) => images);
    runWithoutPauses(calibrate(model.network, head, batches));
    const [early, final] = means();
    expect(early).toBeCloseTo(final, 5);
  });

  it('of statistics gives each size the share of its pixels, and all batches of one size the same', () => {
    const target = scans.map((one, i) => prepared(one, `case ${i}`));
    using pool = new SlicePool(target);
    const shares = new Map<string, number[]>();
    for (const { take, weight } of pool.epoch(2, random(1))) {
      const [, , h, w] = take().images.shape;
      shares.set(`${h}x${w}`, [...(shares.get(`${h}x${w}`) ?? []), weight]);
    }
    // 3 slices of 256 pixels in two batches, 2 of 192 and 1 of 576 in one each; relative to a batch of the first.
    expect(Object.fromEntries(shares)).toEqual({ '16x16': [1, 1], '8x24': [1], '24x24': [1.5] });
    using alike = new SlicePool(target.slice(0, 1));
    expect([...alike.epoch(2, random(1))].map(({ weight }) => weight)).toEqual([1, 1]);
  });
});
