/** Masks of whole volumes and of prompts, on the volume's own grid. */

import { describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { placeInSlices, placeOnGrid, prepareVolume, preprocessingSchema, type Volume } from '../../src/data/index.js';
import { samAdapterSchema, samPlans } from '../../src/networks/sam/index.js';
import { applyPlan } from '../../src/peft/index.js';
import { type Prompt, promptSchema, segmentVolume, segmentWithPrompt } from '../../src/segmenter/index.js';
import { tensor } from '../../src/torch/index.js';
import { errorOf } from '../graft-error.js';
import { cases, phantom, probabilitiesOf, small } from './small.js';

const [one] = cases('a');
const { volume } = phantom('a');
const distance = (a: Float32Array, b: Float32Array) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

describe('overlapping windows', () => {
  // Slices of different brightness, so that windows differ in their range.
  const images = one.images.mul(tensor([1, 2, 3, 4, 5, 6, 7], [7, 1, 1, 1]).div(7)).keep();
  const predict = (model: ReturnType<typeof small>, overlap: boolean, batch = 16) =>
    probabilitiesOf(model, images, { overlap, batch });

  it('predict what every slice once does, where intensities are scaled by volume', () => {
    const model = small({ windows: { slices: 5 } });
    expect(distance(predict(model, true), predict(model, false))).toBeLessThan(1e-6);
  });

  it('differ where windows are scaled one by one, or an adapter looks across slices', () => {
    const scaled = small({ windows: { slices: 5, scaling: 'window' } });
    expect(distance(predict(scaled, true), predict(scaled, false))).toBeGreaterThan(1e-5);
    const across = small({ windows: { slices: 5 } });
    applyPlan(across.network, samPlans['ma-sam'], samAdapterSchema.parse({ rank: 2, slices: 5, init: 'reference' }), {
      seed: 1,
    });
    expect(distance(predict(across, true), predict(across, false))).toBeGreaterThan(1e-5);
  });

  it('are probabilities, whatever the batch', () => {
    const model = small();
    const whole = predict(model, false);
    expect(distance(predict(model, false, 1), whole)).toBeLessThan(1e-6);
    const size = 32 * 32;
    for (let i = 0; i < 7 * size; i++) {
      const [slice, pixel] = [Math.floor(i / size), i % size];
      const sum = [0, 1, 2].reduce((total, c) => total + whole[(slice * 3 + c) * size + pixel], 0);
      expect(sum).toBeCloseTo(1, 4);
    }
  });
});

describe('the mask of a volume', () => {
  it('lies on the volume’s grid, by the class with the largest probability', () => {
    const model = small();
    const labels = segmentVolume(model, volume);
    expect(labels.length).toBe(volume.data.length);
    const probabilities = probabilitiesOf(model, one.images);
    // At native spacing slices are padded by whole pixels: (32 - 24) / 2 rows, (32 - 28) / 2 columns.
    for (let i = 0; i < labels.length; i += 37) {
      const [z, y, x] = [Math.floor(i / (24 * 28)), Math.floor(i / 28) % 24, i % 28];
      const values = [0, 1, 2].map((c) => probabilities[((z * 3 + c) * 32 + y + 4) * 32 + x + 2]);
      expect(labels[i]).toBe(values.indexOf(Math.max(...values)));
    }
  });
});

/** The same volume, stored with other axes. */
const stored: Volume = {
  ...volume,
  grid: {
    ...volume.grid,
    dims: [7, 28, 24],
    // Stored z runs along x … : x is stored axis 1 (flipped), y stored axis 2, z stored axis 0 (flipped).
    orientation: { axes: [1, 2, 0], flips: [true, false, true] },
  },
};

describe('a place', () => {
  it('in voxels of the file is where the file has it, in millimetres where its world has it', () => {
    expect(placeOnGrid(volume, [3, 4, 5], 'voxel')).toEqual([3, 4, 5]);
    expect(placeOnGrid(stored, [1, 4, 9], 'voxel')).toEqual([28 - 1 - 4, 9, 7 - 1 - 1]);
    // The affine has 2 mm slices and its origin at (-10, 20, 5).
    expect(placeOnGrid(volume, [-7, 24, 15], 'mm').map((value) => Number(value.toFixed(9)))).toEqual([3, 4, 5]);
  });

  it.each(['axial', 'coronal', 'sagittal'] as const)('in %s slices is where the intensities are', (axis) => {
    const preprocessing = preprocessingSchema.parse({ axis, intensity: { kind: 'min-max' } });
    const data = new Float32Array(volume.data.length);
    const [x, y, z] = [20, 7, 2];
    data[(z * 24 + y) * 28 + x] = 1;
    const { slices, shape, geometry } = prepareVolume({ ...volume, data }, preprocessing);
    const { slice, pixel } = placeInSlices(geometry, [x, y, z]);
    expect(slices[(slice * shape[1] + pixel[1]) * shape[2] + pixel[0]]).toBe(1);
  });

  it('in resampled slices is where the intensities are', () => {
    const preprocessing = preprocessingSchema.parse({ spacing: 0.5, size: [64, 64], multiple: 16 });
    const { geometry } = prepareVolume(volume, preprocessing);
    const { pixel } = placeInSlices(geometry, [20, 7, 2]);
    // Voxel 20 of 28 is 6.5 from the centre, so 13 pixels from the centre 31.5; voxel 7 of 24 is 4.5, so 9.
    expect(pixel).toEqual([31.5 + 13, 31.5 - 9]);
  });
});

describe('a prompt', () => {
  const model = small({ classes: [] });
  const ask = (prompt: Partial<Prompt>) =>
    runWithoutPauses(segmentWithPrompt(model, volume, promptSchema.parse(prompt)));

  it('is answered on its slice, the same in voxels and in millimetres', () => {
    const { slice, labels, iou } = ask({ points: [{ at: [14, 12, 3], inside: true }] });
    expect(slice).toBe(3);
    expect(iou).toBeTypeOf('number');
    expect(labels.length).toBe(volume.data.length);
    expect(new Set(labels.subarray(0, 3 * 24 * 28))).toEqual(new Set([0]));
    expect(new Set(labels.subarray(4 * 24 * 28))).toEqual(new Set([0]));
    const inMillimetres = ask({ space: 'mm', points: [{ at: [4, 32, 11], inside: true }] });
    expect(inMillimetres).toEqual({ slice, labels, iou });
  });

  it('can be a box, in any order of its corners, with points', () => {
    const box = { from: [18, 8, 3] as const, to: [9, 17, 3] as const };
    const turned = { from: [9, 8, 3] as const, to: [18, 17, 3] as const };
    const points = [{ at: [14, 12, 3] as [number, number, number], inside: true }];
    const answer = ask({ points, box: { from: [...box.from], to: [...box.to] } });
    expect(ask({ points, box: { from: [...turned.from], to: [...turned.to] } })).toEqual(answer);
    expect(ask({ box: { from: [...box.from], to: [...box.to] } }).iou).not.toBe(answer.iou);
  });

  it('to a head with classes gives labels', () => {
    const { labels, iou } = runWithoutPauses(
      segmentWithPrompt(small(), volume, promptSchema.parse({ points: [{ at: [14, 12, 3] }] })),
    );
    expect(iou).toBeUndefined();
    expect(Math.max(...labels)).toBeLessThan(3);
  });

  it('that cannot be asked is refused, saying why', () => {
    const point = (...at: [number, number, number]) => ({ at, inside: true });
    expect(errorOf(() => ask({})).code).toBe('PROMPT_EMPTY');
    expect(errorOf(() => ask({ points: [point(14, 12, 7)] }))).toMatchObject({
      code: 'PROMPT_OUTSIDE',
      message: expect.stringContaining('14, 12, 7'),
    });
    expect(errorOf(() => ask({ points: [point(14, 12, 5), point(14, 12, 3)] }))).toMatchObject({
      code: 'PROMPT_SLICES',
      message: expect.stringContaining('(3, 5)'),
    });
  });
});
