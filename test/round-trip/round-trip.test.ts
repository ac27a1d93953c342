/**
 * Read, segmented by a threshold, written: every voxel of the mask lies in the world where its image's voxel lies. Files
 * are read again by nifti-reader-js, which shares no line with graft.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  convertDicomSeries,
  prepareVolume,
  preprocessingSchema,
  readVolume,
  restoreProbabilities,
  scanDicom,
  type Volume,
  writeMask,
} from '../../src/data/index.js';
import {
  type Independent,
  orientations,
  readIndependently,
  toVoxel,
  toWorld,
  writeBytes,
} from '../data/nifti-fixtures.js';
import { livelyPart, storePart, thresholdIn } from './stored.js';

const root = join(import.meta.dirname, '../../../shared/data');
const files = existsSync(root)
  ? readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.nii(\.gz)?$/.test(name))
      .sort()
  : [];
// Thousands of small files are forced to the disk: in memory that costs nothing.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'graft-round-trip-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const axes = ['axial', 'coronal', 'sagittal'] as const;

/** The way of every segmentation, from slices back to the grid, with a threshold for a network. */
function segment(volume: Volume, axis: (typeof axes)[number], threshold: number, margin: number): Uint8Array {
  const intensity = { kind: 'window', low: threshold - margin, high: threshold + margin } as const;
  const { slices, geometry } = prepareVolume(volume, preprocessingSchema.parse({ axis, intensity }));
  const found = slices.map((value) => (value > 0.5 ? 1 : 0));
  return Uint8Array.from(restoreProbabilities(found, geometry), (value) => (value > 0.5 ? 1 : 0));
}

/**
 * How many of the mask's voxels are not, in the world, where the image exceeds the threshold. nifti-reader-js makes an
 * affine of a quaternion in single precision, so files that are placed in different ways agree to 1e-2 of a voxel.
 */
function misplaced(mask: Independent, image: Independent, threshold: number): number {
  const differs = (x: number, y: number, z: number, u = x, v = y, w = z) =>
    mask.value(x, y, z) !== (Math.fround(image.value(u, v, w)) > threshold ? 1 : 0);
  const same = sameGrid(mask, image);
  let wrong = 0;
  for (let z = 0; z < mask.dims[2]; z++)
    for (let y = 0; y < mask.dims[1]; y++)
      for (let x = 0; x < mask.dims[0]; x++) {
        if (same) {
          if (differs(x, y, z)) wrong++;
          continue;
        }
        const exact = toVoxel(image.affine, toWorld(mask.affine, [x, y, z]));
        const voxel = exact.map(Math.round);
        const away = exact.some((place, axis) => Math.abs(place - voxel[axis]) > 1e-2);
        if (away || differs(x, y, z, voxel[0], voxel[1], voxel[2])) wrong++;
      }
  return wrong;
}

/** Whether nifti-reader-js finds both on the very same grid. */
const sameGrid = (a: Independent, b: Independent) =>
  [...a.dims, ...a.affine].every((value, i) => value === [...b.dims, ...b.affine][i]);

describe.skipIf(files.length === 0)('every file in ../shared/data', () => {
  const volumes = files
    .map((name) => ({ name, path: join(root, name), image: readIndependently(join(root, name)) }))
    .filter(({ image }) => image.header.dims[4] <= 1)
    .map((one) => {
      const part = livelyPart(one.image, [6, 5, 4]);
      return { ...one, part, ...thresholdIn(one.image, part) };
    });
  const maskFile = join(folder, 'mask.nii');

  const sets = [...new Set(volumes.map(({ name }) => name.split('/').slice(0, 2).join('/')))];
  it.each(sets)('as it is stored, whole: %s', (set) => {
    const wrong = volumes.filter(({ name, path, image, threshold }) => {
      if (!name.startsWith(`${set}/`)) return false;
      const { data, grid } = readVolume(path);
      const found = new Uint8Array(data.length);
      for (let i = 0; i < data.length; i++) if (data[i] > threshold) found[i] = 1;
      writeMask(maskFile, found, grid);
      const mask = readIndependently(maskFile);
      return !sameGrid(mask, image) || misplaced(mask, image, threshold) > 0;
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5])('a part of it, stored with axes in order %#, turned round in every way', (order) => {
    const wrong: unknown[] = [];
    volumes.forEach(({ name, image, part, threshold, margin }, i) => {
      orientations.slice(8 * order, 8 * order + 8).forEach((orientation, flips) => {
        const bytes = storePart(image, part, orientation, (i + flips) % 2 ? 'qform' : 'sform');
        const stored = writeBytes(folder, 'part.nii', bytes);
        const volume = readVolume(stored);
        writeMask(maskFile, segment(volume, axes[(i + flips) % 3], threshold, margin), volume.grid);
        const mask = readIndependently(maskFile);
        if (!sameGrid(mask, readIndependently(stored)) || misplaced(mask, image, threshold) > 0)
          wrong.push([name, orientation]);
      });
    });
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(files.length === 0)('a DICOM series in ../shared/data', () => {
  const references = files.filter((name) => existsSync(join(root, name, '../series')));

  it.each(references)('beside %s', async (name) => {
    const image = readIndependently(join(root, name));
    const { series } = scanDicom(join(root, name, '../series'), { key: new Uint8Array(32) });
    const [volume] = await convertDicomSeries(series[0]);
    const { threshold, margin } = thresholdIn(image, livelyPart(image, [6, 5, 4]));
    const maskFile = join(folder, 'series.nii');
    writeMask(maskFile, segment(volume, 'axial', threshold, margin), volume.grid);
    const mask = readIndependently(maskFile);
    expect(mask.dims).toEqual(image.dims);
    expect(misplaced(mask, image, threshold)).toBe(0);
  });
});
