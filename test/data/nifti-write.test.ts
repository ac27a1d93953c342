import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLabel, readVolume, writeMask, writeVolume } from '../../src/data/index.js';
import {
  buildNifti,
  countUp,
  orientations,
  readIndependently,
  temporaryFolder,
  toVoxel,
  toWorld,
  writeBytes,
} from './nifti-fixtures.js';

const folder = temporaryFolder();
const out = (name: string) => join(folder, name);

/** Rows of an sform whose stored axis `axes[w]` runs along world axis w, against it where that is turned round, a little oblique. */
function rowsFor({ axes, flips }: (typeof orientations)[number]): number[] {
  const size = [0.8, 1.5, 3];
  const rows = [0, 0, 0, -20, 0, 0, 0, 30, 0, 0, 0, 7];
  const c = Math.cos(0.4);
  const s = Math.sin(0.4);
  const turn = [c, -s, 0, s, c, 0, 0, 0, 1];
  axes.forEach((stored, world) => {
    const sign = flips[world] ? -1 : 1;
    for (let row = 0; row < 3; row++) rows[4 * row + stored] = turn[3 * row + world] * sign * size[stored];
  });
  return rows;
}

describe('writeMask', () => {
  it.each(orientations)('puts every voxel back where it was: axes $axes, flips $flips', (orientation) => {
    const rows = rowsFor(orientation);
    const path = writeBytes(folder, 'image.nii', buildNifti({ dims: [4, 3, 2], sform: { code: 1, rows } }));
    const image = readVolume(path);
    const original = readIndependently(path);

    // Read as RAS: each axis runs more along its own world axis than along the others, upwards.
    for (const axis of [0, 1, 2]) expect(image.affine[5 * axis]).toBeGreaterThan(0.7 * image.spacing[2 - axis]);
    image.data.forEach((value, i) => {
      const [, ny, nx] = image.shape;
      const world = toWorld(image.affine, [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))]);
      const [x, y, z] = toVoxel(original.affine, world).map(Math.round);
      expect(toWorld(original.affine, [x, y, z]).every((v, k) => Math.abs(v - world[k]) < 1e-4)).toBe(true);
      expect(value).toBe(original.value(x, y, z));
    });

    writeMask(out('mask.nii.gz'), Uint8Array.from(image.data), image.grid);
    const mask = readIndependently(out('mask.nii.gz'));
    expect(mask.dims).toEqual(original.dims);
    expect(mask.affine).toEqual(original.affine);
    for (let i = 0; i < 24; i++) {
      const voxel = [i % 4, Math.floor(i / 4) % 3, Math.floor(i / 12)] as const;
      expect(mask.value(...voxel)).toBe(original.value(...voxel));
    }
    const label = readLabel(out('mask.nii.gz'));
    expect([...label.data]).toEqual([...image.data]);
    expect(label.affine).toEqual(image.affine);
  });

  it.each([
    { version: 1, littleEndian: false },
    { version: 2, littleEndian: true },
  ] as const)('keeps the header of NIfTI-$version, little-endian $littleEndian', ({ version, littleEndian }) => {
    const stored = buildNifti({
      version,
      littleEndian,
      type: 'float32',
      dims: [4, 3, 2, 1],
      slope: 3,
      intercept: 2,
      units: 3,
      pixdim: [-1, 500, 600, 700],
      qform: { code: 2, quaternion: [0.1, 0.2, 0.3], offset: [1, 2, 3] },
      sform: { code: 4, rows: [500, 0, 0, 9, 0, 600, 0, 8, 0, 0, 700, 7] },
      offset: 1024,
      description: 'head',
    });
    const path = writeBytes(folder, 'kept.nii', stored);
    const image = readVolume(path);
    writeMask(out('kept-mask.nii'), new Uint8Array(24).fill(1), image.grid);
    const before = readIndependently(path).header;
    const after = readIndependently(out('kept-mask.nii')).header;
    const changed = ['datatypeCode', 'numBitsPerVoxel', 'scl_slope', 'scl_inter', 'vox_offset', 'intent_code'] as const;
    expect(changed.map((name) => after[name])).toEqual([2, 8, 1, 0, version === 1 ? 352 : 544, 1002]);
    for (const name of changed) before[name] = after[name];
    expect(JSON.parse(JSON.stringify(after))).toEqual(JSON.parse(JSON.stringify(before)));
    expect(readFileSync(out('kept-mask.nii'))).toHaveLength((version === 1 ? 352 : 544) + 24);
    expect(readLabel(out('kept-mask.nii')).affine).toEqual(image.affine);
  });

  it('refuses a mask of another size', () => {
    const { grid } = readVolume(writeBytes(folder, 'image.nii', buildNifti()));
    expect(() => writeMask(out('short.nii'), new Uint8Array(23), grid)).toThrow(/4 x 3 x 2 voxels.*found 23 voxels/);
  });
});

describe('writeVolume', () => {
  const affine = [-0.9, 0, 0, 90, 0, 0, 1.2, -126, 0, 2, 0, -72, 0, 0, 0, 1];

  it.each([
    Float32Array.from(countUp(24), (i) => i / 3),
    Int16Array.from(countUp(24), (i) => i - 12),
    Uint8Array.from(countUp(24)),
  ])('writes what an independent reader reads (%#)', (data) => {
    for (const name of ['new.nii', 'new.nii.gz']) {
      writeVolume(out(name), { data, shape: [2, 3, 4], affine }, { description: 'phantom' });
      const read = readIndependently(out(name));
      expect(read.dims).toEqual([4, 3, 2]);
      expect(read.value(3, 2, 1)).toBe(data[23]);
      expect(read.value(1, 0, 0)).toBe(data[1]);
      for (const [i, value] of read.affine.entries()) expect(value).toBeCloseTo(affine[i], 4);
      expect(read.header.description).toContain('phantom');
      const volume = readVolume(out(name));
      expect(new Set(volume.data)).toEqual(new Set(Float32Array.from(data)));
      expect(volume.shape).toEqual([3, 2, 4]);
    }
  });

  it('gives sform and qform that say the same, whatever the rotation', () => {
    const angle = fc.double({ min: -4, max: 4, noNaN: true });
    fc.assert(
      fc.property(angle, angle, angle, fc.boolean(), (a, b, c, mirrored) => {
        const turned = rotation(a, b, c).map((v, i) => v * [0.7, 1.1, mirrored ? -2.5 : 2.5][i % 3]);
        const m = [0, 1, 2].flatMap((r) => [...turned.slice(3 * r, 3 * r + 3), 10 * r - 8]).concat(0, 0, 0, 1);
        const path = out('turned.nii');
        writeVolume(path, { data: Uint8Array.from(countUp(24)), shape: [2, 3, 4], affine: m });
        const bySform = readVolume(path);
        const bytes = readFileSync(path);
        bytes.writeInt16LE(0, 254);
        const byQform = readVolume(writeBytes(folder, 'qform.nii', bytes));
        for (const [i, value] of bySform.affine.entries()) expect(byQform.affine[i]).toBeCloseTo(value, 3);
      }),
      { numRuns: 200 },
    );
  });

  it('leaves a sheared affine to the sform', () => {
    const sheared = [1, 0.5, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    writeVolume(out('sheared.nii'), { data: new Uint8Array(1), shape: [1, 1, 1], affine: sheared });
    expect(readIndependently(out('sheared.nii')).header).toMatchObject({ qform_code: 0, sform_code: 1 });
  });

  it('refuses what the format cannot hold', () => {
    const data = new Uint8Array(40000);
    const flat = [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    expect(() => writeVolume(out('x.nii'), { data, shape: [1, 1, 40000], affine })).toThrow(/32767/);
    expect(() => writeVolume(out('x.nii'), { data, shape: [1, 200, 200], affine: flat })).toThrow(/one plane/);
    expect(() => writeVolume(out('x.nii'), { data, shape: [1, 0, 40000], affine })).toThrow(/found 40000/);
  });
});

function rotation(a: number, b: number, c: number): number[] {
  const [ca, sa, cb, sb, cc, sc] = [a, b, c].flatMap((t) => [Math.cos(t), Math.sin(t)]);
  return [
    [ca * cb, ca * sb * sc - sa * cc, ca * sb * cc + sa * sc],
    [sa * cb, sa * sb * sc + ca * cc, sa * sb * cc - ca * sc],
    [-sb, cb * sc, cb * cc],
  ].flat();
}
