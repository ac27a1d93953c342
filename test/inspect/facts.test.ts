/** What inspection says of one image: checked on volumes whose facts are known. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  axisCodes,
  generatePhantoms,
  histogramOf,
  imageFacts,
  joinHistograms,
  labelFacts,
  loadCase,
  panesOf,
  readVolume,
  type Triple,
  type Volume,
} from '../../src/data/index.js';
import { buildNifti, orientations, type Recipe, temporaryFolder, writeBytes } from '../data/nifti-fixtures.js';

const folder = temporaryFolder();
const factsOf = (recipe: Recipe) => imageFacts(readVolume(writeBytes(folder, 'image.nii', buildNifti(recipe))));

describe('the facts of an image', () => {
  it('are those of its header: size and spacing in RAS, stored axes and type', () => {
    // Stored x runs to Posterior, y to Superior, z to Right.
    const rows = [0, 0, 3, 0, -2, 0, 0, 0, 0, 1.5, 0, 0];
    const facts = factsOf({ type: 'int16', dims: [4, 3, 2], sform: { code: 1, rows } });
    expect(facts).toMatchObject({ size: [3, 4, 2], axes: 'PSR', type: 'int16', placedBy: 'sform', oblique: 0 });
    expect(facts.spacing.map((side) => Number(side.toFixed(5)))).toEqual([1.5, 2, 3]);
  });

  it.each([
    ['qform', { pixdim: [1, 1, 1, 1], qform: { code: 1, quaternion: [0, 0, 0], offset: [0, 0, 0] } }],
    ['voxel sizes', { pixdim: [1, 2, 2, 2] }],
  ] as const)('say that it is placed by its %s', (placedBy, recipe) => {
    expect(factsOf(recipe as unknown as Recipe).placedBy).toBe(placedBy);
  });

  it('name each of the 48 orientations by its own letters, L or R, A or P, S or I', () => {
    const codes = orientations.map(({ axes, flips }) =>
      axisCodes({ axes, flips: flips as [boolean, boolean, boolean] }),
    );
    expect(new Set(codes).size).toBe(48);
    for (const code of codes) expect([/[LR]/, /[AP]/, /[SI]/].every((letter) => letter.test(code))).toBe(true);
  });

  it('tell how oblique it is', () => {
    const [c, s] = [Math.cos(Math.PI / 9), Math.sin(Math.PI / 9)];
    expect(factsOf({ sform: { code: 1, rows: [c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0] } }).oblique).toBeCloseTo(20, 3);
  });

  it('have the percentiles of NumPy and a histogram between them', () => {
    const values = Array.from({ length: 1000 }, (_, i) => i);
    const { intensity, histogram } = factsOf({ type: 'int16', dims: [10, 10, 10], values });
    expect(intensity).toMatchObject({ least: 0, median: 499.5, greatest: 999 });
    expect([intensity.p1, intensity.p99].map((value) => Number(value.toFixed(3)))).toEqual([9.99, 989.01]);
    expect([histogram.low, histogram.high]).toEqual([intensity.p1, intensity.p99]);
  });

  const volume = (values: number[]) => factsOf({ type: 'float32', dims: [values.length, 1, 1], values });
  it.each([
    ['CT with air', [-1024, -1000, -900, -80, 20, 40, 60, 1200], 'HU'],
    ['CT of an abdomen, cut inside the body', [-120, -100, -60, 30, 40, 50, 60, 70], 'HU'],
    ['CT padded far outside', [-3024, -1000, -100, 0, 40, 60, 80, 900], 'HU'],
    ['MR', [0, 0, 10, 200, 300, 500, 800, 1200], 'arbitrary'],
    ['a z-scored image', [-1.2, -0.5, 0, 0.1, 0.3, 0.8, 1.5, 2.5], 'arbitrary'],
    ['a phase image', [-4096, -4000, -2000, 0, 10, 2000, 4000, 4095], 'arbitrary'],
  ])('take %s for what it is', (_, values, unit) => {
    expect(volume(values).unit).toBe(unit);
  });

  it('of a label are millilitres by class', () => {
    const data = new Uint8Array(3000);
    data.fill(1, 0, 500).fill(3, 500, 750);
    const on = (shape: Triple, spacing: Triple) => ({
      data: new Float32Array(shape[0] * shape[1] * shape[2]),
      shape,
      spacing,
    });
    const image = on([30, 10, 10], [2, 1, 2]);
    expect(labelFacts({ data, spacing: [2, 1, 2] }, image).millilitres).toEqual({ 1: 2, 3: 1 });
    expect(labelFacts({ data: new Uint8Array(8), spacing: [1, 1, 1] }, on([2, 2, 2], [1, 1, 1]))).toEqual({
      millilitres: {},
    });
  });

  it('tell where a label stops although the structure goes on, and not where it tapers or the image ends', () => {
    const dataset = generatePhantoms(join(folder, 'heads'), {
      seed: 1,
      scanners: ['siemens-t1', 'philips-t2'],
      cases: 2,
      spacing: 3,
    });
    for (const { cases } of dataset.sites)
      for (const one of cases) {
        const { image, label } = loadCase(one, { classes: 2 });
        expect(labelFacts(label!, image).cutOff).toBeUndefined();
        // From the middle down nobody drew; of an image that ends there the label is whole.
        const [z, y, x] = label!.shape;
        const from = Math.floor(z / 2) * y * x;
        const half = { ...label!, data: label!.data.slice().fill(0, 0, from) };
        expect(labelFacts(half, image).cutOff).toEqual([{ side: 'inferior', areaCm2: expect.any(Number) }]);
        const shape: Triple = [z - Math.floor(z / 2), y, x];
        const rest = { ...label!, data: label!.data.subarray(from) };
        expect(labelFacts(rest, { ...image, data: image.data.subarray(from), shape }).cutOff).toBeUndefined();
      }
  });
});

describe('histograms', () => {
  const values = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 200 });

  it('hold every voxel in their range once, alone and joined', () => {
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 4 }), (cases) => {
        const alone = cases.map((list) => histogramOf(Float32Array.from(list), Math.min(...list), Math.max(...list)));
        const joined = joinHistograms(alone, 24);
        for (const one of [...alone, joined])
          expect(one.shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
        expect(joined.low).toBe(Math.min(...cases.flat()));
      }),
    );
  });

  it('count each case the same, however many voxels it has', () => {
    const few = histogramOf(Float32Array.of(0, 0, 10), -1, 11);
    const many = histogramOf(new Float32Array(9000).fill(10), -1, 11);
    const { shares } = joinHistograms([few, many], 2);
    expect(shares[0]).toBeCloseTo(1 / 3, 9);
  });
});

describe('the three slices of a contact sheet', () => {
  /** 20 x 30 x 10 voxels (x, y, z); bright at the patient's right, front and top. */
  function corner(): Pick<Volume, 'data' | 'shape' | 'spacing'> {
    const [nz, ny, nx] = [10, 30, 20];
    const data = new Float32Array(nz * ny * nx);
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++)
        for (let x = 0; x < nx; x++) if (x >= 10 && y >= 15 && z >= 5) data[x + nx * (y + ny * z)] = 100;
    return { data, shape: [nz, ny, nx], spacing: [6, 1, 2] };
  }

  it('are in radiological convention and in the proportions of the body', () => {
    const [axial, coronal, sagittal] = panesOf(corner(), undefined, { low: 0, high: 100 }, 60);
    // 40 mm to the right, 30 mm to the front, 60 mm up.
    expect([axial, coronal, sagittal].map(({ width, height }) => [width, height])).toEqual([
      [40, 30],
      [40, 60],
      [30, 60],
    ]);
    expect([axial.left, coronal.left, sagittal.left]).toEqual(['R', 'R', 'A']);
    // The corner is at the upper left of each: at the patient's right, or front.
    for (const { grey, width, height } of [axial, coronal, sagittal]) {
      const at = (x: number, y: number) => grey[Math.floor(y * height) * width + Math.floor(x * width)];
      expect([at(0.1, 0.1), at(0.9, 0.1), at(0.1, 0.9), at(0.9, 0.9)]).toEqual([255, 0, 0, 0]);
    }
  });

  it('go through the largest part of the label, and show it at its place', () => {
    const volume = corner();
    const data = new Uint8Array(volume.data.length);
    // A block near the left, the back and the bottom: 4 x 6 x 2 voxels.
    for (let z = 1; z < 3; z++) for (let y = 3; y < 9; y++) for (let x = 2; x < 6; x++) data[x + 20 * (y + 30 * z)] = 2;
    for (const { label, grey, width, height } of panesOf(volume, { data }, { low: 0, high: 100 }, 60)) {
      expect(Math.max(...grey)).toBe(0);
      const places = [...label!.keys()].filter((i) => label![i] === 2);
      expect(places.length).toBeGreaterThan(0);
      expect(Math.min(...places.map((i) => i % width))).toBeGreaterThanOrEqual(width / 2);
      expect(Math.min(...places.map((i) => Math.floor(i / width)))).toBeGreaterThanOrEqual(height / 2);
    }
  });

  it('fit their square, whatever the volume', () => {
    const side = fc.integer({ min: 1, max: 40 });
    const step = fc.double({ min: 0.3, max: 8, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(side, side, side), fc.tuple(step, step, step), (shape, spacing) => {
        const data = new Float32Array(shape[0] * shape[1] * shape[2]).fill(1);
        for (const { width, height, grey } of panesOf({ data, shape, spacing }, undefined, { low: 0, high: 1 }, 48)) {
          expect(Math.max(width, height)).toBeLessThanOrEqual(48);
          expect(grey.every((value) => value === 255)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});
