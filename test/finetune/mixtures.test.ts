/** Segment Anything on cases of any mixture of sizes, spacings and numbers of slices. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { type CaseSlices, prepareLabel, prepareVolume, type Volume } from '../../src/data/index.js';
import { segmentVolume } from '../../src/segmenter/index.js';
import { tensor } from '../../src/torch/index.js';
import { plain, run, small } from './small.js';

const scan = fc.record({
  shape: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 3, max: 40 }), fc.integer({ min: 3, max: 40 })),
  spacing: fc.tuple(fc.constantFrom(1, 2, 8), fc.constantFrom(0.5, 1, 3), fc.constantFrom(0.5, 1, 3)),
});
type Scan = typeof scan extends fc.Arbitrary<infer One> ? One : never;

function volumeOf({ shape, spacing }: Scan, name: string): { volume: Volume; label: Uint8Array } {
  const { normal } = random(1, 'scan', name);
  const label = Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => i % 3);
  const data = Float32Array.from(label, (value) => 100 * value + normal(0, 30));
  const grid: Volume['grid'] = {
    ...{ version: 1, littleEndian: true, header: new Uint8Array(348), dims: [shape[2], shape[1], shape[0]] },
    orientation: { axes: [0, 1, 2], flips: [false, false, false] },
  };
  const affine = [spacing[2], 0, 0, 0, 0, spacing[1], 0, 0, 0, 0, spacing[0], 0, 0, 0, 0, 1];
  return { volume: { path: `${name}.nii`, data, shape, spacing, affine, grid }, label };
}

it('fine-tunes, validates and predicts on any mixture of sizes', async () => {
  const model = small();
  await fc.assert(
    fc.asyncProperty(fc.array(scan, { minLength: 1, maxLength: 3 }), fc.boolean(), async (scans, overlap) => {
      const cases = scans.map((one, i): CaseSlices => {
        const { volume, label } = volumeOf(one, `case ${i}`);
        const { slices, shape, geometry } = prepareVolume(volume, plain);
        return {
          case: { site: 'site', name: `case ${i}`, image: volume.path, label: 'label.nii' },
          images: tensor(slices, [shape[0], 1, shape[1], shape[2]]).keep(),
          labels: prepareLabel({ ...volume, data: label }, plain),
          geometry,
          spacing: [one.spacing[0], ...geometry.spacing],
        };
      });
      const { end } = await run(model, { training: cases, validation: cases }, { epochs: 1, overlap });
      expect(end.dice.every(Number.isFinite)).toBe(true);
      model.use(end.adapter);
      const { volume } = volumeOf(scans[0], 'unseen');
      const once = segmentVolume(model, volume, { overlap });
      expect(once.length).toBe(volume.data.length);
      // The same in the smallest batches.
      expect(segmentVolume(model, volume, { overlap, batch: 1 }).length).toBe(once.length);
      model.use(undefined);
      for (const { images } of cases) images.dispose();
    }),
    { numRuns: 5 },
  );
});
