import { describe, expect, it } from 'vitest';
import { assertSameGrid, readLabel, readVolume } from '../../src/data/index.js';
import { buildNifti, temporaryFolder, writeBytes } from './nifti-fixtures.js';

const folder = temporaryFolder();
const place = (name: string, rows: number[], dims = [4, 3, 2]) =>
  writeBytes(folder, name, buildNifti({ dims, sform: { code: 1, rows } }));
const plain = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
const image = readVolume(place('image.nii', plain));

describe('assertSameGrid', () => {
  it('accepts a label that is stored the other way round but lies on the same voxels', () => {
    const mirrored = readLabel(place('mirrored.nii', [-1, 0, 0, 3, 0, 1, 0, 0, 0, 0, 1, 0]));
    expect(() => assertSameGrid(image, mirrored)).not.toThrow();
    expect(mirrored.data[0]).toBe(3);
  });

  it('accepts what rounding does, up to a thousandth of a voxel', () => {
    expect(() => assertSameGrid(image, readLabel(place('near.nii', [1.0001, ...plain.slice(1)])))).not.toThrow();
  });

  it('refuses a shift, a growing step and other dimensions, and lists both grids', () => {
    const shifted = readLabel(place('shifted.nii', [1, 0, 0, 0.01, ...plain.slice(4)]));
    expect(() => assertSameGrid(image, shifted)).toThrow(
      /shifted.nii: expected the grid of .*image.nii \(4 x 3 x 2 voxels, affine in RAS \[1 0 0 0; .*\), found .*\[1 0 0 0.01;/,
    );
    // Only at the far end is the error above a thousandth.
    const stretched = readLabel(place('stretched.nii', [1.0005, ...plain.slice(1)]));
    expect(() => assertSameGrid(image, stretched)).toThrow(/stretched/);
    expect(() => assertSameGrid(image, readLabel(place('small.nii', plain, [3, 3, 2])))).toThrow(/3 x 3 x 2 voxels/);
  });
});
