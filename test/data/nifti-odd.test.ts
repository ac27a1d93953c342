/** Headers that break the standard and files that are unlike most; the right values are nibabel 5.4's and SimpleITK 2.5's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readLabel, readVolume, storageOf, writeMask } from '../../src/data/index.js';
import { errorOf } from '../graft-error.js';
import { buildNifti, countUp, type Recipe, temporaryFolder, writeBytes } from './nifti-fixtures.js';

const folder = temporaryFolder();
const nan = Number.NaN;
const file = (recipe: Recipe, patch: (bytes: Buffer) => void = () => {}) => {
  const bytes = buildNifti(recipe);
  patch(bytes);
  return writeBytes(folder, 'odd.nii', bytes);
};
const qform = { code: 1, quaternion: [0, 0, 0], offset: [1, 2, 3] };
const zero = new Array<number>(12).fill(0);

describe('headers that break the standard', () => {
  it('without a place for the voxels have them right behind the header', () => {
    const one = readVolume(file({}, (bytes) => bytes.writeFloatLE(0, 108)));
    expect([...one.data]).toEqual(countUp(24));
    const two = file({ version: 2 }, (bytes) => bytes.writeBigInt64LE(0n, 168));
    expect([...readVolume(two).data]).toEqual(countUp(24));
  });

  it.each([
    [4, 3],
    [5, 4],
    [3, 2],
  ])('with %i dimensions of which number %i is zero have one of them', (count, at) => {
    const path = file({ values: countUp(at === 2 ? 12 : 24) }, (bytes) => {
      bytes.writeInt16LE(count, 40);
      bytes.writeInt16LE(0, 42 + 2 * at);
    });
    const volume = readVolume(path);
    expect(volume.shape).toEqual([at === 2 ? 1 : 2, 3, 4]);
    const mask = join(folder, 'mask.nii');
    writeMask(mask, new Uint8Array(volume.data.length), volume.grid);
    // As many dimensions as the image names, none of them empty.
    expect([0, 1, 2, 3, 4, 5].map((i) => readFileSync(mask).readInt16LE(40 + 2 * i))).toEqual([
      count,
      4,
      3,
      volume.shape[0],
      1,
      1,
    ]);
  });

  it('with negative voxel sizes and a qform alone are read as lengths, and say so', () => {
    const { affine, doubts } = readVolume(file({ pixdim: [1, -2, 2.5, 3], qform }));
    expect(affine).toEqual([2, 0, 0, 1, 0, 2.5, 0, 2, 0, 0, 3, 3, 0, 0, 0, 1]);
    expect(doubts).toEqual([expect.stringContaining('negative along x (-2)')]);
  });

  it.each([0, nan])('with the voxel size %d have 1 mm there, and say so', (size) => {
    const { affine, doubts } = readVolume(file({ pixdim: [1, size, 2.5, 3], qform }));
    expect(affine).toEqual([1, 0, 0, 1, 0, 2.5, 0, 2, 0, 0, 3, 3, 0, 0, 0, 1]);
    expect(doubts).toEqual([expect.stringContaining('no voxel size along x')]);
  });

  it('do not need voxel sizes where they have an sform', () => {
    const rows = [2, 0, 0, 1, 0, 2.5, 0, 2, 0, 0, 3, 3];
    const volume = readVolume(file({ pixdim: [1, nan, 0, 3], sform: { code: 1, rows } }));
    expect(volume.affine.slice(0, 12)).toEqual(rows);
    expect(volume.doubts).toBeUndefined();
  });

  it.each([
    ['zeros', zero],
    ['NaN', new Array<number>(12).fill(nan)],
  ])('with an sform of %s are placed by the qform, and say so', (_, rows) => {
    const volume = readVolume(file({ pixdim: [1, 2, 2.5, 3], qform, sform: { code: 2, rows } }));
    expect(volume.affine).toEqual([2, 0, 0, 1, 0, 2.5, 0, 2, 0, 0, 3, 3, 0, 0, 0, 1]);
    expect(volume.doubts).toEqual([expect.stringContaining('the qform stands for it')]);
    expect(storageOf(volume.grid).placedBy).toBe('qform');
  });

  it('with an sform of zeros and no qform say nothing of left and right, and are refused', () => {
    expect(errorOf(() => readVolume(file({ sform: { code: 2, rows: zero } }))).code).toBe('NIFTI_HEADER');
  });

  it('with 0 for the handedness are not mirrored', () => {
    expect(readVolume(file({ pixdim: [0, 2, 2, 2], qform })).affine[10]).toBe(2);
  });

  it('with the magic of a .hdr/.img pair and voxels are single files', () => {
    expect([...readVolume(file({}, (bytes) => bytes.write('ni1', 344))).data]).toEqual(countUp(24));
  });
});

describe('a single slice', () => {
  const rows = [2, 0, 0, 1, 0, 2.5, 0, 2, 0, 0, 0, 3];
  it('of two dimensions is a volume of one slice, and its mask has two dimensions, too', () => {
    const path = file({ dims: [6, 4], pixdim: [1, 2, 2.5, 0], sform: { code: 1, rows } }, (bytes) =>
      bytes.fill(0, 46, 56),
    );
    const volume = readVolume(path);
    expect(volume).toMatchObject({ shape: [1, 4, 6], spacing: [1, 2.5, 2] });
    expect(volume.doubts).toBeUndefined();
    const mask = join(folder, 'slice-mask.nii');
    writeMask(mask, new Uint8Array(24).fill(1), volume.grid);
    const [image, written] = [readFileSync(path), readFileSync(mask)];
    expect([0, 1, 2].map((i) => written.readInt16LE(40 + 2 * i))).toEqual([2, 6, 4]);
    // Where it lies: voxel sizes, codes, quaternion and sform.
    expect(written.subarray(76, 108)).toEqual(image.subarray(76, 108));
    expect(written.subarray(252, 328)).toEqual(image.subarray(252, 328));
    expect(readLabel(mask).shape).toEqual([1, 4, 6]);
  });

  it('takes its thickness from the voxel sizes where the sform leaves it out', () => {
    const path = file({ dims: [6, 4, 1], pixdim: [1, 2, 2.5, 7], sform: { code: 1, rows } });
    expect(readVolume(path).affine).toEqual([2, 0, 0, 1, 0, 2.5, 0, 2, 0, 0, 7, 3, 0, 0, 0, 1]);
  });
});

describe('packed files', () => {
  it('of several gzip members, or with bytes behind them, are read', () => {
    const bytes = buildNifti();
    const members = Buffer.concat([gzipSync(bytes.subarray(0, 360)), gzipSync(bytes.subarray(360))]);
    for (const packed of [members, Buffer.concat([gzipSync(bytes), Buffer.alloc(100)])])
      expect([...readVolume(writeBytes(folder, 'members.nii.gz', packed)).data]).toEqual(countUp(24));
  });

  it('with voxels at any place are read: nothing need be aligned', () => {
    const path = writeBytes(folder, 'odd-place.nii.gz', gzipSync(buildNifti({ type: 'float64', offset: 355 })));
    expect([...readVolume(path).data]).toEqual(countUp(24));
  });

  it('that announce gigabytes are believed no further than their bytes go', () => {
    const announcing = (dims: number[], content: number) => {
      const bytes = buildNifti({ dims: [1, 1, 1], values: [0] });
      dims.forEach((size, i) => {
        bytes.writeInt16LE(size, 42 + 2 * i);
      });
      return writeBytes(folder, 'huge.nii.gz', gzipSync(Buffer.concat([bytes, Buffer.alloc(content)])));
    };
    const before = process.resourceUsage().maxRSS;
    expect(errorOf(() => readVolume(announcing([812, 812, 812], 2 ** 24))).code).toBe('NIFTI_HOLLOW');
    expect(errorOf(() => readLabel(announcing([600, 600, 600], 2 ** 18))).code).toBe('NIFTI_TRUNCATED');
    const far = buildNifti();
    far.writeFloatLE(2 ** 30, 108);
    expect(errorOf(() => readVolume(writeBytes(folder, 'far.nii.gz', gzipSync(far)))).code).toBe('NIFTI_HEADER');
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(150_000); // kB
  });
});

describe('labels that a program stored with a slope', () => {
  const label = (recipe: Recipe) => readLabel(file({ dims: [4, 1, 1], ...recipe })).data;
  it('are whole again: values are off by up to half a step', () => {
    // nibabel stores float labels 0, 1, 2, 4 as uint8 with the slope 4 / 255: 2 becomes 1.9921…
    expect([...label({ values: [0, 64, 127, 255], slope: 4 / 255 })]).toEqual([0, 1, 2, 4]);
    expect([...label({ values: [0, 64, 128, 255], slope: 4 / 255 })]).toEqual([0, 1, 2, 4]);
    // And as int16 with an intercept.
    const values = [-32768, -16384, 0, 32767];
    expect([...label({ type: 'int16', values, slope: 4 / 65535, intercept: 2 + 2 / 65535 })]).toEqual([0, 1, 2, 4]);
  });

  it('stay refused where the values are fractions', () => {
    const fraction = (recipe: Recipe) => errorOf(() => label(recipe));
    expect(fraction({ values: [0, 32, 64, 255], slope: 4 / 255 })).toMatchObject({
      code: 'LABEL_VALUE',
      hint: expect.stringContaining('nearest-neighbour'),
    });
    expect(fraction({ type: 'float32', values: [0, 1, 1.2, 2] }).code).toBe('LABEL_VALUE');
    expect(fraction({ values: [0, 1, 2, 3], slope: 1.5 }).code).toBe('LABEL_VALUE');
    expect(fraction({ values: [0, 1, 2, 3], slope: 0.5 }).code).toBe('LABEL_VALUE');
  });
});
