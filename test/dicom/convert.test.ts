/** Series become the volumes that dcm2niix makes of them: its reference files, Debian's program, compressed pixels, faults. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as nifti from 'nifti-reader-js';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import { convertDicomSeries, type DicomSeries, scanDicom, type Volume } from '../../src/data/index.js';
import { compressed } from './compressed.js';
import {
  key,
  type SeriesOptions,
  temporaryFolder,
  valueAt,
  writeClassic,
  writeEnhanced,
  writeSeries,
} from './fixtures.js';

const root = temporaryFolder();
let count = 0;

const mr = { SOPClassUID: '1.2.840.10008.5.1.4.1.1.4', Modality: 'MR', SliceThickness: 0.625 };

function seriesOf(options: SeriesOptions): DicomSeries {
  const folder = join(root, `series${count++}`);
  writeSeries(folder, options);
  return scanDicom(folder, { key }).series[0];
}

async function failureOf(series: DicomSeries): Promise<GraftError> {
  const error = await convertDicomSeries(series).catch((reason: unknown) => reason);
  if (error instanceof GraftError) return error;
  throw error;
}

/** The voxel of a volume at a place (x, y, z) in mm, which must be the centre of one. */
function voxelAt({ data, shape, affine }: Volume, place: readonly number[]): number {
  const [a, b, c, tx, d, e, f, ty, g, h, i, tz] = affine;
  const [x, y, z] = [place[0] - tx, place[1] - ty, place[2] - tz];
  const whole = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const at = [
    (x * (e * i - f * h) - b * (y * i - f * z) + c * (y * h - e * z)) / whole,
    (a * (y * i - f * z) - x * (d * i - f * g) + c * (d * z - y * g)) / whole,
    (a * (e * z - y * h) - b * (d * z - y * g) + x * (d * h - e * g)) / whole,
  ];
  const voxel = at.map(Math.round);
  if (voxel.some((v, axis) => Math.abs(v - at[axis]) > 1e-3 || v < 0 || v >= shape[2 - axis])) return Number.NaN;
  return data[(voxel[2] * shape[1] + voxel[1]) * shape[2] + voxel[0]];
}

/** How many voxels of a NIfTI file, as nifti-reader-js reads it, are not the same value at the same millimetres. */
function differences(file: string, volumes: readonly Volume[]): number {
  const stored = readFileSync(file);
  const bytes = stored.buffer.slice(stored.byteOffset, stored.byteOffset + stored.length) as ArrayBuffer;
  const header = nifti.readHeader(bytes) as nifti.NIFTI1;
  const [, nx, ny, nz, nt] = header.dims;
  const image = nifti.readImage(header, bytes) as ArrayBuffer;
  const values = { 4: Int16Array, 512: Uint16Array, 16: Float32Array }[header.datatypeCode as 4 | 512 | 16];
  const voxels = new values(image);
  expect(volumes).toHaveLength(Math.max(1, nt));
  expect(volumes[0].data).toHaveLength(nx * ny * nz);
  const slope = header.scl_slope || 1;
  let [different, at] = [0, 0];
  for (const volume of volumes)
    for (let k = 0; k < nz; k++)
      for (let j = 0; j < ny; j++)
        for (let i = 0; i < nx; i++, at++) {
          const place = header.affine.slice(0, 3).map(([a, b, c, t]) => a * i + b * j + c * k + t);
          const expected = Math.fround(slope * voxels[at] + header.scl_inter);
          if (voxelAt(volume, place) !== expected) different++;
        }
  return different;
}

describe('a synthetic series', () => {
  const orientations: [string, number[]][] = [
    ['axial', [1, 0, 0, 0, 1, 0]],
    ['coronal', [1, 0, 0, 0, 0, -1]],
    ['sagittal', [0, 1, 0, 0, 0, -1]],
    ['oblique', [Math.cos(0.2), Math.sin(0.2), 0, -Math.sin(0.2), Math.cos(0.2), 0]],
  ];
  it.each(orientations)('of %s slices has every pixel where the headers place it', async (_, orientation) => {
    const series = seriesOf({ orientation });
    const [volume, ...others] = await convertDicomSeries(series);
    expect(others).toEqual([]);
    expect(volume.path).toBe(`${series.patient}_${series.series}`);
    const [a, b, c, d, e, f] = orientation;
    const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
    const wrong: number[][] = [];
    for (let slice = 0; slice < 5; slice++)
      for (let row = 0; row < 6; row++)
        for (let column = 0; column < 8; column++) {
          const [left, back, up] = [-12, 7, -30].map(
            (start, axis) =>
              start + 2.5 * slice * normal[axis] + 0.9 * column * orientation[axis] + 0.7 * row * orientation[axis + 3],
          );
          if (voxelAt(volume, [-left, -back, up]) !== valueAt(slice, row, column) - 1024)
            wrong.push([slice, row, column]);
        }
    expect(wrong).toEqual([]);
  });

  const rounded = (digits: number, normal: readonly number[]) => (i: number) =>
    [-12.3, 7.1, -1234.4].map((start, axis) => Number((start + normal[axis] * 0.625 * i).toFixed(digits)));
  const change = () => ({ SliceThickness: 0.625 });
  const backwards = (i: number) => ({ InstanceNumber: 80 - i, SliceThickness: 0.625 });
  it.each([
    ['axial', 1, { position: rounded(1, [0, 0, 1]), change }],
    ['axial', 2, { position: rounded(2, [0, 0, 1]), change }],
    ['axial, from the head down,', 1, { position: rounded(1, [0, 0, -1]), change }],
    ['axial, numbered from the end,', 1, { position: rounded(1, [0, 0, 1]), change: backwards }],
    ['coronal', 1, { orientation: orientations[1][1], position: rounded(1, [0, 1, 0]), change }],
    ['sagittal', 1, { orientation: orientations[2][1], position: rounded(1, [-1, 0, 0]), change }],
    [
      'sagittal, turned by dcm2niix,',
      1,
      {
        orientation: orientations[2][1],
        position: rounded(1, [1, 0, 0]),
        change: () => ({ ...mr, MRAcquisitionType: '3D' }),
      },
    ],
  ])('of %s slices with positions rounded to %i decimals has their true distance', async (_, digits, options) => {
    const series = seriesOf({ slices: 80, ...options });
    const along = [0, 1, 2].find((one) => options.position(0)[one] !== options.position(79)[one])!;
    const step = Math.abs(options.position(79)[along] - options.position(0)[along]) / 79;
    expect(step).toBeCloseTo(0.625, 2);
    expect(series.problems).toEqual([]);
    expect(series.spacing?.[0]).toBeCloseTo(step, 6);
    const [volume] = await convertDicomSeries(series);
    const world = [0, 1, 2].map((row) => Math.hypot(...volume.affine.slice(4 * row, 4 * row + 3)));
    expect(world[along]).toBeCloseTo(step, 5);
    // Both ends lie where their images do, each image nearer to its slice than to any other.
    for (let slice = 0; slice < 80; slice++) {
      const regular = options
        .position(0)
        .map((start, one) => (one === along ? start + (slice * (options.position(79)[one] - start)) / 79 : start));
      const [left, back, up] = regular;
      expect(voxelAt(volume, [-left, -back, up])).toBe(valueAt(slice, 0, 0) - 1024);
      expect(Math.abs(options.position(slice)[along] - regular[along])).toBeLessThan(2 * 10 ** -digits);
    }
  });

  it('of one multi-frame file with rounded positions has the true distance of its slices', async () => {
    const file = writeEnhanced(join(root, 'enhanced'), { slices: 80, spacing: 0.625, position: rounded(1, [0, 0, 1]) });
    const [series] = scanDicom(file, { key }).series;
    const [volume] = await convertDicomSeries(series);
    expect(volume.spacing[0]).toBeCloseTo(0.625, 2);
    expect(volume.spacing[0]).toBeCloseTo(series.spacing![0], 5);
  });

  it('whose images share one identifier has all of them', async () => {
    const shared = seriesOf({ slices: 8, change: () => ({ SOPInstanceUID: '1.2.3.9' }) });
    const [volume] = await convertDicomSeries(shared);
    const [expected] = await convertDicomSeries(seriesOf({ slices: 8 }));
    expect([volume.shape, volume.affine, volume.data]).toEqual([expected.shape, expected.affine, expected.data]);
  });

  it('carries no text of the headers', async () => {
    const [{ grid, path }] = await convertDicomSeries(seriesOf({}));
    expect(Buffer.from(grid.header).toString('latin1') + path).not.toMatch(/PLANTED|101112|20240101|[-.]4711/);
  });

  it('with several volumes gives each, numbered', async () => {
    const times = { position: (i: number) => [0, 0, 5 * (i % 4)], slices: 12 };
    const change = (i: number) => ({ AcquisitionNumber: 1 + Math.floor(i / 4), InstanceNumber: i + 1 });
    const volumes = await convertDicomSeries(seriesOf({ ...times, change }));
    expect(volumes.map(({ path }) => path.slice(-4))).toEqual(['-001', '-002', '-003']);
    expect(volumes.map(({ data }) => Math.max(...data) + 1024)).toEqual(
      [3, 7, 11].map((slice) => valueAt(slice, 5, 7)),
    );
  });

  it('with images of two sizes gives a volume of each, with its own slice distance', async () => {
    const small = { Rows: 4, Columns: 4, PixelData: [new Int16Array(16).buffer] };
    const series = seriesOf({
      slices: 80,
      position: (i) => [0, 0, Number((i < 40 ? 0.625 * i : 100 + 0.775 * (i - 40)).toFixed(1))],
      change: (i) => (i < 40 ? {} : small),
    });
    expect(series.problems).toEqual([]);
    const volumes = await convertDicomSeries(series);
    const found = volumes.map(({ shape, spacing }) => [...shape, Number(spacing[0].toFixed(3))]);
    expect(found.sort((a, b) => b[1] - a[1])).toEqual([
      [40, 6, 8, Number((24.4 / 39).toFixed(3))],
      [40, 4, 4, Number((30.2 / 39).toFixed(3))],
    ]);
  });

  it('leaves the exit code of the process alone', async () => {
    process.exitCode = 7;
    await convertDicomSeries(seriesOf({}));
    expect(process.exitCode).toBe(7);
    process.exitCode = undefined;
  });
});

describe('compressed pixels', () => {
  it.each(compressed)('%s', async (name, syntax, fragment) => {
    const bits = name === 'JPEG baseline' ? 8 : 16;
    const series = seriesOf({
      slices: 3,
      change: () => ({
        ...{ BitsAllocated: bits, BitsStored: bits, HighBit: bits - 1, PixelRepresentation: 0, RescaleIntercept: 0 },
        PixelData: [new Uint8Array(Buffer.from(fragment, 'base64')).buffer],
        _vrMap: { PixelData: 'OB' },
        _meta: { TransferSyntaxUID: { Value: [syntax] } },
      }),
    });
    expect(series.transferSyntax).toBe(name);
    const [volume] = await convertDicomSeries(series);
    // The first row lies to the front (row 5 in RAS, y up to the front), the first column to the right.
    const slice = Array.from(
      volume.data.subarray(0, 48),
      (_, i) => volume.data[(5 - Math.floor(i / 8)) * 8 + 7 - (i % 8)],
    );
    const expected = slice.map((_, i) => (bits === 8 ? 16 * (Math.floor(i / 8) + (i % 8)) : 100 + 37 * i));
    const loss = bits === 8 ? 6 : 0;
    expect(slice.every((value, i) => Math.abs(value - expected[i]) <= loss)).toBe(true);
  });

  it.each(compressed.filter(([name]) => name !== 'JPEG lossless'))(
    '%s in a file of several frames is refused: dcm2niix makes noise of all frames but the first',
    async (name, syntax, fragment) => {
      const frame = () => new Uint8Array(Buffer.from(fragment, 'base64')).buffer;
      const folder = join(root, `several${count++}`);
      const file = writeClassic(
        folder,
        { slices: 3 },
        {
          PixelData: [frame(), frame(), frame()],
          _vrMap: { PixelData: 'OB' },
          _meta: { TransferSyntaxUID: { Value: [syntax] } },
        },
      );
      const [series] = scanDicom(file, { key }).series;
      const error = await failureOf(series);
      expect([error.code, error.message]).toEqual(['DICOM_CONVERSION', expect.stringContaining(`(${name})`)]);
      expect(series.problems).toMatchObject([{ code: 'DICOM_CONVERSION', stops: true }]);
    },
  );

  it('that nothing can decode are an error that says so', async () => {
    const syntax = { _meta: { TransferSyntaxUID: { Value: ['1.2.840.10008.1.2.4.90'] } } };
    const pixels = { PixelData: [new Uint8Array(60).fill(3).buffer], _vrMap: { PixelData: 'OB' } };
    const error = await failureOf(seriesOf({ slices: 2, change: () => ({ ...syntax, ...pixels }) }));
    expect(error.code).toBe('DICOM_CONVERSION');
    expect(error.message).toMatch(/could not be converted: OpenJPEG failed/);
  });
});

describe('a series with faults', () => {
  it.each([
    ['DICOM_SLICES_MISSING', { slices: 20, change: (i: number) => (i === 8 ? undefined : {}) }],
    ['DICOM_SLICES_DUPLICATE', { slices: 6, position: (i: number) => [0, 0, 3 * Math.min(i, 4)] }],
    ['DICOM_PATIENTS_MIXED', { change: (i: number) => ({ PatientID: i < 3 ? 'one' : 'two' }) }],
  ])('is refused: %s', async (code, options) => {
    expect((await failureOf(seriesOf(options))).code).toBe(code);
  });

  it('of uneven spacing is interpolated to even spacing', async () => {
    const volumes = await convertDicomSeries(
      seriesOf({ slices: 12, position: (i) => [0, 0, i < 6 ? 2 * i : 12 + 5 * (i - 6)] }),
    );
    expect(volumes).toHaveLength(1);
    expect(volumes[0].spacing[0]).toBeCloseTo(2, 3);
    // Two fifths of the way from the slice at 12 mm to the one at 17 mm.
    expect(voxelAt(volumes[0], [0, 0, 14])).toBeCloseTo(valueAt(6, 0, 0) + 0.4 * 48 - 1024, -0.3);
  });

  it('of a tilted gantry is straightened', async () => {
    const tilt = Math.PI / 12;
    const volumes = await convertDicomSeries(
      seriesOf({
        ...{ slices: 8, rows: 24, columns: 24, spacing: 5, pixelSpacing: [1, 1] },
        orientation: [1, 0, 0, 0, Math.cos(tilt), -Math.sin(tilt)],
        position: (i) => [0, 0, 5 * i],
        change: () => ({ GantryDetectorTilt: 15 }),
      }),
    );
    expect(volumes).toHaveLength(1);
    expect(volumes[0].path).toContain('_Tilt');
  });
});

const real = join('..', 'shared', 'data', 'dicom');
describe.skipIf(!existsSync(real))('real series (skipped where ../shared/data is absent)', () => {
  const cases = existsSync(real) ? readdirSync(real).filter((name) => existsSync(join(real, name, 'series'))) : [];
  const referenceOf = (name: string) => readdirSync(join(real, name)).find((file) => file.endsWith('.nii'));

  it.each(cases.filter(referenceOf))('%s equals the reference beside it, voxels and millimetres', async (name) => {
    const scan = scanDicom(join(real, name, 'series'), { key });
    expect(scan.series).toHaveLength(1);
    const volumes = await convertDicomSeries(scan.series[0]);
    const reference = referenceOf(name)!;
    // The reference of the Philips field map is its first echo.
    const same = reference.endsWith('_e1.nii') ? volumes.filter(({ path }) => path.endsWith('_e1')) : volumes;
    expect(differences(join(real, name, reference), same)).toBe(0);
  });

  const debian = spawnSync('dcm2niix', ['--version']).error === undefined;
  it.skipIf(!debian).each(cases)(
    '%s equals what dcm2niix on this machine makes (skipped without one)',
    async (name) => {
      const out = temporaryFolder();
      spawnSync('dcm2niix', ['-b', 'n', '-z', 'n', '-f', 'x', '-o', out, join(real, name, 'series')]);
      const [series] = scanDicom(join(real, name, 'series'), { key }).series;
      const volumes = await convertDicomSeries(series);
      for (const file of readdirSync(out).filter((one) => one.endsWith('.nii'))) {
        const part = file.slice(1, -'.nii'.length);
        const same = volumes.filter(({ path }) => path.replace(/_volume-\d+$/, '').endsWith(`${series.series}${part}`));
        expect(differences(join(out, file), same)).toBe(0);
      }
    },
  );
});
