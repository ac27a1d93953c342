/** Slices as radiologists see them: the planes, the sides, the proportions, and the outlines on them. */
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Label, Volume } from '../../src/data/index.js';
import { bestMedianWorst, display } from '../../src/runs/pictures.js';
import type { ReportSlice } from '../../src/runs/report/index.js';
import { drawnSlice } from '../../src/runs/report/raster.js';

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

describe('the cases that are shown', () => {
  it('are the best, the median and the worst, each once', () => {
    const names = (sorted: number[]) => bestMedianWorst(sorted).map(({ which, one }) => `${which} ${one}`);
    expect(names([9, 8, 7, 6])).toEqual(['best 9', 'median 8', 'worst 6']);
    expect(names([9, 8])).toEqual(['best 9', 'worst 8']);
    expect(names([9])).toEqual(['best 9']);
  });
});
