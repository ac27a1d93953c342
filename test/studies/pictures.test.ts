/** Slices as radiologists see them: the planes, the sides, the proportions, and the outlines on them. */
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { ignored, type Label, type Volume } from '../../src/data/index.js';
import type { ReportSlice } from '../../src/report/index.js';
import { outlineColour } from '../../src/report/palette.js';
import { drawnSlice } from '../../src/report/raster.js';
import { bestMedianWorst, display as displayWithPauses } from '../../src/studies/pictures.js';

const display = (...given: Parameters<typeof displayWithPauses>) => runWithoutPauses(displayWithPauses(...given));
const shape: [number, number, number] = [4, 5, 6];
const spacing: [number, number, number] = [3, 1, 2];
const at = (z: number, y: number, x: number) => (z * 5 + y) * 6 + x;
const volume = (data: Float32Array) => ({ path: '', shape, spacing, data }) as Volume;

/** Where a slice is brightest: row and column. */
const brightest = ({ image, width }: ReportSlice): [row: number, column: number] => {
  const place = image.indexOf(image.reduce((a, b) => Math.max(a, b)));
  return [Math.floor(place / width), place % width];
};

describe('slices', () => {
  // One voxel in a corner: superior, anterior, at the patient's right.
  const corner = at(3, 4, 5);
  const label = { path: '', shape, spacing, data: new Uint8Array(120) } as Label;
  label.data.fill(1, corner, corner + 1);
  const image = new Float32Array(120).map((_, i) => i / 1000);
  image[corner] = 1000;
  const [axial, coronal, sagittal] = display(volume(image), label, { source: label.data }) as [
    ReportSlice,
    ReportSlice,
    ReportSlice,
  ];

  it('have right at the left, anterior or superior on top, and anterior at the left of a sagittal one', () => {
    expect([axial, coronal, sagittal].map(({ plane }) => plane)).toEqual(['axial', 'coronal', 'sagittal']);
    for (const slice of [axial, coronal, sagittal]) {
      expect(brightest(slice)).toEqual([0, 0]);
      expect(slice.masks.truth!.indexOf(1)).toBe(0);
      expect(slice.masks.source).toEqual(slice.masks.truth);
    }
  });

  it('turn no axis by mistake: what lies elsewhere is shown elsewhere', () => {
    // Inferior, anterior, left: in the axial slice of z = 0 on top and at the right.
    const low = at(0, 4, 0);
    const mask = { ...label, data: new Uint8Array(120) };
    mask.data[low] = 1;
    const bright = new Float32Array(120);
    bright[low] = 1;
    const places = display(volume(bright), mask, {}).map(brightest);
    expect(places).toEqual([
      [0, 5], // axial: anterior, left
      [3, 5], // coronal: inferior, left
      [3, 0], // sagittal: inferior, anterior
    ]);
  });

  it('have the sizes of their planes and the spacing of their rows and columns', () => {
    expect([axial, coronal, sagittal].map(({ width, height }) => [width, height])).toEqual([
      [6, 5],
      [6, 4],
      [5, 4],
    ]);
    expect([axial, coronal, sagittal].map(({ pixelSpacing }) => pixelSpacing)).toEqual([
      [1, 2],
      [3, 2],
      [3, 1],
    ]);
  });

  it('go through most of the reference in each plane', () => {
    const mask = { ...label, data: new Uint8Array(120) };
    for (const [z, y, x] of [
      [1, 1, 1],
      [1, 1, 2],
      [1, 2, 2],
      [2, 1, 2],
    ] as const)
      mask.data[at(z, y, x)] = 1;
    const counts = display(volume(image), mask, {}).map(({ masks }) => masks.truth!.reduce((a, b) => a + b, 0));
    expect(counts).toEqual([3, 3, 3]);
  });
});

describe('a small structure in a large image', () => {
  // A hippocampus of 30 x 12 x 10 voxels in a head of 96 x 120 x 128.
  const size: [number, number, number] = [96, 120, 128];
  const large = size[0] * size[1] * size[2];
  const place = (z: number, y: number, x: number) => (z * size[1] + y) * size[2] + x;
  const head = { path: '', shape: size, spacing: [1, 1, 1], data: new Float32Array(large) } as unknown as Volume;
  const small = { path: '', shape: size, spacing: [1, 1, 1], data: new Uint8Array(large) } as unknown as Label;
  for (let z = 40; z < 50; z++)
    for (let y = 50; y < 80; y++)
      for (let x = 30; x < 42; x++) {
        small.data[place(z, y, x)] = y < 65 ? 1 : 2;
        head.data[place(z, y, x)] = 100 + x;
      }
  const far = small.data.slice();
  far[place(40, 110, 30)] = 1;

  it('fills its pictures, with a margin, and says what lies beyond them', () => {
    const slices = display(head, small, { source: small.data, adapted: far });
    expect(slices.map(({ width, height }) => [width, height])).toEqual([
      [30, 48], // 12 + 2 * 9 by 30 + 2 * 9
      [30, 28],
      [48, 28],
    ]);
    for (const { masks, width, height } of slices) {
      const shown = masks.truth!.reduce((sum, value) => sum + Number(value > 0), 0);
      expect(shown / (width * height)).toBeGreaterThan(0.14);
      expect(masks.truth![0]).toBe(0);
    }
    expect(slices.map(({ cut }) => cut)).toEqual([['adapted'], [], ['adapted']]);
  });

  it('is not widened by voxels that count for nothing, which have no outline', () => {
    const data = small.data.slice();
    data[place(40, 115, 120)] = ignored;
    const [axial] = display(head, { ...small, data, hasIgnored: true }, {});
    expect(axial).toMatchObject({ width: 30, height: 48, cut: [] });
    expect(axial!.masks.truth!.includes(ignored)).toBe(false);
  });

  it('of three voxels has surroundings, and an image without one is shown whole', () => {
    const tiny = { ...small, data: new Uint8Array(large) };
    tiny.data.fill(1, place(48, 60, 60), place(48, 60, 63));
    for (const { width, height } of display(head, tiny, {})) {
      expect(Math.min(width, height)).toBeGreaterThanOrEqual(24);
      expect(Math.max(width, height)).toBeLessThanOrEqual(27);
    }
    const empty = { ...small, data: new Uint8Array(large) };
    expect(display(head, empty, {}).map(({ width, height }) => [width, height])).toEqual([
      [128, 120],
      [128, 96],
      [120, 96],
    ]);
    // Without a reference the model's findings say where to look.
    expect(display(head, empty, { adapted: small.data })[0]).toMatchObject({ width: 30, height: 48, cut: [] });
  });
});

describe('a slice as a picture', () => {
  const slice: ReportSlice = {
    ...{ plane: 'coronal', width: 4, height: 4, pixelSpacing: [2, 1] },
    image: new Uint8Array(16).fill(50),
    masks: { truth: Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0) },
    cut: [],
  };

  it('has physical proportions, the grey values, and outlines in colour', () => {
    const { width, height, png } = drawnSlice(slice, { outlined: ['truth', 'adapted'], classes: ['brain'] });
    expect([width, height]).toEqual([256, 512]);
    const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
    const pixel = (row: number, column: number) => [
      ...rows.subarray(row * (3 * width + 1) + 1 + 3 * column).subarray(0, 3),
    ];
    expect(pixel(0, 0)).toEqual([50, 50, 50]);
    expect(pixel(256, 128)).toEqual([50, 50, 50]); // inside
    expect(pixel(256, 64)).toEqual([240, 228, 66]); // the left edge: a quarter from the left
    expect(pixel(383, 128)).toEqual([240, 228, 66]); // the lower edge
  });
});

describe('colours of structures', () => {
  const several = (count: number) => Array.from({ length: count }, (_, i) => outlineColour('truth', i + 1, count));
  /** How dichromats see a colour (Viénot, Brettel and Mollon, 1999), and those with full vision. */
  const eyes: Record<string, number[][]> = {
    full: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
    protan: [
      [0.1124, 0.8876, 0],
      [0.1124, 0.8876, 0],
      [0.004, -0.004, 1],
    ],
    deutan: [
      [0.2928, 0.7072, 0],
      [0.2928, 0.7072, 0],
      [-0.0223, 0.0223, 1],
    ],
  };
  const linear = (value: number) =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  /** CIE L*a*b* under D65, as an eye sees it. */
  const lab = (colour: readonly number[], eye: number[][]) => {
    const seen = eye.map((row) => row.reduce((sum, share, i) => sum + share * linear(colour[i]!), 0));
    const xyz = [
      [0.4124, 0.3576, 0.1805],
      [0.2126, 0.7152, 0.0722],
      [0.0193, 0.1192, 0.9505],
    ].map((row) => row.reduce((sum, share, i) => sum + share * seen[i]!, 0));
    const [x, y, z] = xyz.map((value, i) => Math.cbrt(Math.max(0, value) / [0.9505, 1, 1.089][i]!));
    return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
  };

  it.each(Object.entries(eyes))('of a picture can be told apart with %s colour vision', (_, eye) => {
    const seen = several(7).map((colour) => lab(colour, eye));
    // A difference of 2.3 can just be noticed side by side.
    for (const [i, one] of seen.entries())
      for (const other of seen.slice(i + 1))
        expect(Math.hypot(...one.map((value, k) => value - other[k]!))).toBeGreaterThan(12);
  });

  it('are different for many structures, and light enough for a dark image', () => {
    const many = several(40);
    expect(new Set(many.map(String)).size).toBe(40);
    for (const colour of many) expect(lab(colour, eyes.full!)[0]).toBeGreaterThan(45);
    // Of one structure the reference and the models differ.
    const own = (['truth', 'source', 'adapted'] as const).map((of) => String(outlineColour(of, 1, 1)));
    expect(new Set(own).size).toBe(3);
  });
});

describe('the cases that are shown', () => {
  it('are the best, the median and the worst, each once', () => {
    const names = (sorted: number[]) => bestMedianWorst(sorted).map(({ which, one }) => `${which} ${one}`);
    expect(names([9, 8, 7, 6])).toEqual(['best 9', 'median 8', 'worst 6']);
    expect(names([9, 8])).toEqual(['best 9', 'worst 8']);
    expect(names([9])).toEqual(['best 9']);
  });
});
