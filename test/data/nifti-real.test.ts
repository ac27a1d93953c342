/** Real files from scanners and public sets, read by graft and by nifti-reader-js. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { assertSameGrid, readLabel, readVolume, writeMask } from '../../src/data/index.js';
import { type Independent, readIndependently, temporaryFolder, toVoxel, toWorld } from './nifti-fixtures.js';

const root = join(import.meta.dirname, '../../../shared/data');
const files = existsSync(root)
  ? readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.nii(\.gz)?$/.test(name))
  : [];
const folder = temporaryFolder();

/** How many of fifty voxels lie elsewhere in the world, or have another value, than nifti-reader-js says. */
function differences(path: string, other: Independent): number {
  const { data, shape, affine } = readVolume(path);
  const [nz, ny, nx] = shape;
  const draw = random(1, path);
  let wrong = 0;
  for (let i = 0; i < 50; i++) {
    const [x, y, z] = [draw.integer(nx), draw.integer(ny), draw.integer(nz)];
    const exact = toVoxel(other.affine, toWorld(affine, [x, y, z]));
    const stored = exact.map(Math.round) as [number, number, number];
    const near = stored.every((v, k) => v >= 0 && v < other.dims[k] && Math.abs(v - exact[k]) < 1e-2);
    if (!near || data[x + nx * (y + ny * z)] !== Math.fround(other.value(...stored))) wrong++;
  }
  return wrong;
}

describe.skipIf(files.length === 0)('files in ../shared/data', () => {
  it('agree with nifti-reader-js in dimensions, affine and voxels, or are refused as series', () => {
    for (const name of files) {
      const path = join(root, name);
      const other = readIndependently(path);
      if (other.header.dims[4] > 1)
        expect(() => readVolume(path)).toThrow(/one 3-D volume or one slice, found the dimensions \d+ x/);
      else expect([name, differences(path, other)]).toEqual([name, 0]);
    }
  });

  it('read as labels that lie on the grids of their images', () => {
    const labels = files.filter((name) => name.includes('/labels/'));
    for (const name of labels) {
      const label = readLabel(join(root, name));
      assertSameGrid(readVolume(join(root, name.replace('/labels/', '/images/'))), label);
      expect(label.data.some((value) => value > 0)).toBe(true);
    }
  });

  const ixi = files.find((name) => name.includes('ixi-t1/images/'));
  it.skipIf(!ixi)('IXI: axes PSR with a slope become RAS, and a mask goes back to PSR', () => {
    const path = join(root, ixi as string);
    const other = readIndependently(path);
    const { data, affine, shape, grid } = readVolume(path);
    // Stored x runs to Posterior, y to Superior, z to Right.
    expect(grid.orientation).toEqual({ axes: [2, 0, 1], flips: [false, true, false] });
    expect(shape).toEqual([other.dims[1], other.dims[0], other.dims[2]]);
    expect([0, 5, 10].every((i) => affine[i] > 1.9)).toBe(true);
    const [nz, ny, nx] = shape;
    const mask = data.map((value) => (value > 300 ? 1 : 0));
    writeMask(join(folder, 'mask.nii.gz'), Uint8Array.from(mask), grid);
    const written = readIndependently(join(folder, 'mask.nii.gz'));
    expect(written.affine).toEqual(other.affine);
    expect(written.dims).toEqual(other.dims);
    let wrong = 0;
    for (let z = 0; z < nz; z++) {
      for (let y = 0; y < ny; y++) {
        for (let x = 0; x < nx; x++) {
          const stored = [ny - 1 - y, z, x] as const;
          if (data[x + nx * (y + ny * z)] !== Math.fround(other.value(...stored))) wrong++;
          if (written.value(...stored) !== (other.value(...stored) > 300 ? 1 : 0)) wrong++;
        }
      }
    }
    expect(wrong).toBe(0);
    expect(Math.max(...data.subarray(0, 100_000)) % 1).not.toBe(0);
  });
});
