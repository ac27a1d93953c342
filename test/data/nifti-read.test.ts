import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readLabel, readVolume } from '../../src/data/index.js';
import {
  buildNifti,
  countUp,
  readIndependently,
  type TypeName,
  temporaryFolder,
  toWorld,
  types,
  writeBytes,
} from './nifti-fixtures.js';

const folder = temporaryFolder();
const save = (bytes: Uint8Array, name = 'volume.nii') => writeBytes(folder, name, bytes);
const error = (act: () => unknown) => {
  try {
    act();
  } catch (caught) {
    return caught;
  }
  return 'no error';
};

describe('readVolume', () => {
  const cases = Object.keys(types).flatMap((type) =>
    [true, false].flatMap((littleEndian) => ([1, 2] as const).map((version) => ({ type, littleEndian, version }))),
  );
  it.each(cases)('reads $type, little-endian $littleEndian, NIfTI-$version', ({ type, littleEndian, version }) => {
    const [, , low, high] = types[type as TypeName];
    const values = [low, high, ...countUp(22)];
    const bytes = buildNifti({ type: type as TypeName, littleEndian, version, values });
    const path = save(bytes);
    const volume = readVolume(path);
    expect([...volume.data]).toEqual(values);
    expect(volume.shape).toEqual([2, 3, 4]);
    const other = readIndependently(path);
    expect(other.dims).toEqual([4, 3, 2]);
    expect(volume.data[1 * 12 + 2 * 4 + 3]).toBe(other.value(3, 2, 1));
    expect([...readVolume(save(gzipSync(bytes), 'packed.nii.gz')).data]).toEqual(values);
  });

  it('applies slope and intercept, computed in float64', () => {
    const path = save(
      buildNifti({ type: 'int32', dims: [2, 1, 1], values: [1_000_000_001, 1_000_000_002], slope: 1, intercept: -1e9 }),
    );
    expect([...readVolume(path).data]).toEqual([1, 2]);
  });

  it.each([0, Number.NaN, Number.POSITIVE_INFINITY])('takes a slope of %s for none', (slope) => {
    const path = save(buildNifti({ dims: [2, 1, 1], values: [3, 4], slope, intercept: 7 }));
    expect([...readVolume(path).data]).toEqual([3, 4]);
  });

  it('knows gzip by its content, not by its name', () => {
    expect(readVolume(save(gzipSync(buildNifti()), 'plain.nii')).data).toHaveLength(24);
    expect(readVolume(save(buildNifti(), 'packed.nii.gz')).data).toHaveLength(24);
  });

  it('reads a 4-D file with one time point, and voxels behind an extension', () => {
    expect(readVolume(save(buildNifti({ dims: [4, 3, 2, 1, 1], offset: 2912 }))).shape).toEqual([2, 3, 4]);
    expect([...readVolume(save(gzipSync(buildNifti({ offset: 355, type: 'int16' })))).data]).toEqual(countUp(24));
  });

  it('takes metres and micrometres to millimetres', () => {
    const rows = [0.002, 0, 0, 0.01, 0, 0.003, 0, 0, 0, 0, 0.004, 0];
    const metres = readVolume(save(buildNifti({ units: 1, sform: { code: 1, rows } })));
    for (const [axis, size] of [4, 3, 2].entries()) expect(metres.spacing[axis]).toBeCloseTo(size, 6);
    expect(metres.affine[3]).toBeCloseTo(10, 6);
    const micrometres = readVolume(save(buildNifti({ units: 3 + 8, pixdim: [1, 500, 600, 700] })));
    for (const [axis, size] of [0.7, 0.6, 0.5].entries()) expect(micrometres.spacing[axis]).toBeCloseTo(size, 9);
  });

  it('prefers the sform, then the qform, then the voxel sizes', () => {
    const half = Math.SQRT1_2;
    const pixdim = [-1, 2, 3, 4];
    const qform = { code: 1, quaternion: [0, 0, half], offset: [5, 6, 7] };
    const sform = { code: 1, rows: [1, 0, 0, 9, 0, 1, 0, 9, 0, 0, 1, 9] };
    expect(readVolume(save(buildNifti({ sform, qform, pixdim }))).affine.slice(0, 4)).toEqual([1, 0, 0, 9]);

    // A quarter turn about z, with the third axis mirrored: stored x runs to A, y to L, z to I.
    const path = save(buildNifti({ qform, pixdim }));
    const turned = readVolume(path);
    expect(turned.shape).toEqual([2, 4, 3]);
    for (const [axis, size] of [4, 2, 3].entries()) expect(turned.spacing[axis]).toBeCloseTo(size, 5);
    const other = readIndependently(path);
    const world = toWorld(other.affine, [3, 2, 1]);
    const voxel = toWorld(turned.affine, [0, 3, 0]);
    for (const axis of [0, 1, 2]) expect(voxel[axis]).toBeCloseTo(world[axis], 4);
    expect(turned.data[3 * 3]).toBe(other.value(3, 2, 1));

    expect(readVolume(save(buildNifti({ pixdim }))).affine).toEqual([2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1]);
  });

  it('says how many voxels are not finite and where the first lies in the file', () => {
    const values = countUp(24);
    [values[23], values[17]] = [Number.NaN, Number.NEGATIVE_INFINITY];
    const rows = [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
    const path = save(buildNifti({ type: 'float32', values, sform: { code: 1, rows } }));
    expect(error(() => readVolume(path))).toMatchObject({
      code: 'VOLUME_NOT_FINITE',
      message: expect.stringMatching(/ 2 that are NaN.*voxel \(1, 1, 1\)/),
    });
    const huge = save(buildNifti({ type: 'float64', dims: [1, 1, 1], values: [1e300] }));
    expect(error(() => readVolume(huge))).toMatchObject({ code: 'VOLUME_NOT_FINITE' });
  });

  it('accepts a constant volume', () => {
    expect(readVolume(save(buildNifti({ values: new Array(24).fill(5) }))).data.every((v) => v === 5)).toBe(true);
  });
});

describe('readLabel', () => {
  it('reads whole numbers from any type, also where a slope cost some digits', () => {
    expect([...readLabel(save(buildNifti({ type: 'float64' }))).data]).toEqual(countUp(24));
    const scaled = save(buildNifti({ type: 'int16', dims: [3, 1, 1], values: [0, 16384, 32767], slope: 2 / 32767 }));
    expect([...readLabel(scaled).data]).toEqual([0, 1, 2]);
  });

  it.each([-1, 0.5, 256, Number.NaN])('refuses %s and says where it lies', (bad) => {
    const values = countUp(24);
    values[5] = bad;
    expect(error(() => readLabel(save(buildNifti({ type: 'float32', values }))))).toMatchObject({
      code: 'LABEL_VALUE',
      message: expect.stringContaining(`found ${bad} at voxel (1, 1, 0)`),
    });
  });
});
