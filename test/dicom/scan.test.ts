/** What a scan says of a folder: series as they are, every fault by name, and nobody's name. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DicomScan, scanDicom } from '../../src/data/index.js';
import { errorOf } from '../graft-error.js';
import { compressed } from './compressed.js';
import {
  type Dataset,
  encode,
  key,
  nuclear,
  type SeriesOptions,
  temporaryFolder,
  writeClassic,
  writeSeries,
} from './fixtures.js';

const root = temporaryFolder();
let count = 0;
const newFolder = () => join(root, `scan${count++}`);

function scanOf(options: SeriesOptions = {}, more: (folder: string) => void = () => {}): DicomScan {
  const folder = newFolder();
  writeSeries(folder, options);
  more(folder);
  return scanDicom(folder, { key });
}
const codes = ({ series, problems }: DicomScan) =>
  [...series.flatMap((one) => one.problems), ...problems].map((p) => p.code);
const only = (scan: DicomScan) => {
  const problems = [...scan.series.flatMap((one) => one.problems), ...scan.problems];
  expect(problems).toHaveLength(1);
  return problems[0];
};

describe('a series without a fault', () => {
  it('is described by its headers', () => {
    const { series, problems } = scanOf();
    expect(problems).toEqual([]);
    expect(series).toHaveLength(1);
    expect(series[0]).toMatchObject({
      patient: expect.stringMatching(/^patient-[0-9a-f]{8}$/),
      series: expect.stringMatching(/^003-[0-9a-f]{8}$/),
      modality: 'CT',
      manufacturer: 'ACME',
      model: 'Ring 5',
      spacing: [2.5, 0.7, 0.9],
      size: [5, 6, 8],
      frames: 5,
      transferSyntax: 'uncompressed',
      problems: [],
    });
    expect(series[0].files).toHaveLength(5);
  });

  it.each([1, 2])('may have positions rounded to %i decimals, wherever it lies', (digits) => {
    for (const start of [0, -1234.4, 87.35, 1021.9]) {
      const position = (i: number) => [0, 0, Number((start + 0.625 * i).toFixed(digits))];
      const scan = scanOf({ slices: 80, position });
      expect(codes(scan)).toEqual([]);
      expect(scan.series[0].spacing?.[0]).toBeCloseTo((position(79)[2] - position(0)[2]) / 79, 9);
    }
  });

  it('is found under any names, at any depth and through links, several in one folder', () => {
    const folder = newFolder();
    const elsewhere = writeSeries(newFolder(), { slices: 3, uid: '1.2.3.1' });
    writeSeries(join(folder, 'a', 'b.d'), { name: (i) => `${'xyzuv'[i]}.jpg` });
    writeSeries(join(folder, 'a', 'b.d'), { uid: '1.2.3.2', slices: 2, name: (i) => `second ${i}` });
    for (const [i, file] of elsewhere.entries()) symlinkSync(file, join(folder, `link${i}`));
    const scan = scanDicom(folder, { key });
    expect(scan.series.map(({ files }) => files.length).sort()).toEqual([2, 3, 5]);
    expect(codes(scan)).toEqual([]);
  });

  it('lists its files in the order of acquisition', () => {
    const { series } = scanOf({ name: (i) => `${9 - i}`, change: (i) => ({ InstanceNumber: i + 8 }) });
    expect(series[0].files.map((file) => file.at(-1))).toEqual(['9', '8', '7', '6', '5']);
  });

  it('may hold several volumes, oblique planes or several planes (a localizer)', () => {
    const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
    expect(codes(scanOf({ orientation: [c, s, 0, 0, 0, -1] }))).toEqual([]);
    const volumes = scanOf({ slices: 12, position: (i) => [0, 0, 5 * (i % 4)] });
    expect(codes(volumes)).toEqual([]);
    expect(volumes.series[0]).toMatchObject({ size: [4, 6, 8], frames: 12, spacing: [5, 0.7, 0.9] });
    const planes = [
      [1, 0, 0, 0, 1, 0],
      [0, 1, 0, 0, 0, -1],
    ];
    const localizer = scanOf({
      slices: 6,
      position: (i) => (i < 3 ? [0, 0, 9 * i] : [9 * i, 0, 0]),
      change: (i) => ({ ImageOrientationPatient: planes[i < 3 ? 0 : 1] }),
    });
    expect(codes(localizer)).toEqual([]);
    expect(localizer.series[0].size).toEqual([3, 6, 8]);
  });

  it('may hold images of two sizes, each evenly spaced', () => {
    const small = { Rows: 4, Columns: 4, PixelData: [new Int16Array(16).buffer] };
    const scan = scanOf({
      slices: 16,
      position: (i) => [0, 0, i < 8 ? 3 * i : 100 + 4 * i],
      change: (i) => (i < 8 ? {} : small),
    });
    expect(codes(scan)).toEqual([]);
    expect(scan.series[0]).toMatchObject({ size: [8, 6, 8], spacing: [3, 0.7, 0.9], frames: 16 });
  });

  it.each([
    ['implicit VR', '1.2.840.10008.1.2'],
    ['big endian', '1.2.840.10008.1.2.2'],
  ])('may be stored as %s', (_, syntax) => {
    const folder = newFolder();
    const [file] = writeSeries(folder, {
      slices: 1,
      change: () => ({ _meta: { TransferSyntaxUID: { Value: [syntax] } } }),
    });
    const { series, problems } = scanDicom(file, { key });
    expect(problems).toEqual([]);
    expect(series[0]).toMatchObject({ size: [1, 6, 8], modality: 'CT', spacing: [2.5, 0.7, 0.9] });
  });
});

describe('a multi-frame file without groups for its frames', () => {
  const place = { position: [-12, 7, -30], orientation: [1, 0, 0, 0, 1, 0] };
  const classic = (changed: Dataset = {}, options: SeriesOptions = {}) =>
    scanDicom(writeClassic(newFolder(), options, changed), { key });

  it('has the spacing that its header states once', () => {
    for (const scan of [classic(), classic(nuclear(5, place))]) {
      expect(codes(scan)).toEqual([]);
      expect(scan.series[0]).toMatchObject({ spacing: [2.5, 0.7, 0.9], size: [5, 6, 8], frames: 5 });
    }
  });

  it('may hold several volumes', () => {
    const times = {
      SliceVector: [1, 2, 3, 1, 2, 3],
      NumberOfSlices: 3,
      FrameIncrementPointer: [0x00540070, 0x00540080],
    };
    const scan = classic({ ...nuclear(6, place), ...times }, { slices: 6 });
    expect(codes(scan)).toEqual([]);
    expect(scan.series[0]).toMatchObject({ size: [3, 6, 8], frames: 6 });
  });

  it('whose frames are times or detectors has no distance of slices', () => {
    const cine = classic({ FrameIncrementPointer: 0x00181063, FrameTime: 33 });
    expect(codes(cine)).toEqual(['DICOM_SPACING_ABSENT', 'DICOM_PLACE_ABSENT']);
    expect(cine.series[0].problems[0].message).toContain('how far apart their slices are');
  });

  it('that does not say where it lies is told', () => {
    const nowhere = { ImagePositionPatient: undefined, ImageOrientationPatient: undefined };
    expect(codes(classic(nowhere))).toEqual(['DICOM_PLACE_ABSENT']);
  });

  it('whose frames run against the normal is refused, as dcm2niix would mirror it', () => {
    const problem = only(classic({ ...nuclear(5, place), SpacingBetweenSlices: -2.5 }));
    expect(problem).toMatchObject({ code: 'DICOM_CONVERSION', stops: true });
    expect(problem.message).toContain('against the normal');
  });

  it('that is compressed and announces a thousand million frames takes no room for them', () => {
    const tiny = { Rows: 1, Columns: 1, NumberOfFrames: 1_000_000_000, BitsAllocated: 8 };
    const [, syntax, fragment] = compressed[0];
    const pixels = { PixelData: [new Uint8Array(Buffer.from(fragment, 'base64')).buffer], _vrMap: { PixelData: 'OB' } };
    const scan = classic({ ...tiny, ...pixels, _meta: { TransferSyntaxUID: { Value: [syntax] } } });
    expect(only(scan).code).toBe('DICOM_UNREADABLE');
  });
});

describe('a fault in a series is named:', () => {
  it('missing slices', () => {
    const problem = only(scanOf({ slices: 20, change: (i) => (i === 7 || i === 8 ? undefined : {}) }));
    expect(problem).toMatchObject({ code: 'DICOM_SLICES_MISSING', stops: true });
    expect(problem.message).toContain('missing slices: 2; the first gap is from -15.0 to -7.5 mm');
  });

  it('a slice missing in one of several volumes', () => {
    const problem = only(
      scanOf({ slices: 12, position: (i) => [0, 0, 5 * (i % 4)], change: (i) => (i === 6 ? undefined : {}) }),
    );
    expect(problem.code).toBe('DICOM_SLICES_MISSING');
    expect(problem.message).toContain('at 10.0 mm, where 2 of 3 volumes have a slice');
  });

  it('duplicate slices', () => {
    const problem = only(scanOf({ slices: 6, position: (i) => [0, 0, 3 * Math.min(i, 4)] }));
    expect(problem).toMatchObject({ code: 'DICOM_SLICES_DUPLICATE', stops: true });
    expect(problem.message).toContain('duplicate slices: 1; a position has 2 where others have 1');
  });

  it('copies of a file, of which one is used', () => {
    const scan = scanOf({}, (folder) => writeFileSync(join(folder, 'copy'), readFileSync(join(folder, 'IM0002'))));
    expect(only(scan)).toMatchObject({ code: 'DICOM_COPIES', stops: false });
    expect(scan.series[0].files).toHaveLength(5);
  });

  it.each([
    ['all', () => '1.2.3.9', 1],
    ['two', (i: number) => `1.2.3.9.${Math.max(1, i)}`, 7],
  ])('one identifier for %s of its images, which are no copies', (_, uid, identifiers) => {
    const scan = scanOf({ slices: 8, change: (i) => ({ SOPInstanceUID: uid(i) }) });
    expect(only(scan)).toMatchObject({ code: 'DICOM_IDENTIFIER_SHARED', stops: false });
    expect(only(scan).message).toContain(`its 8 images have only ${identifiers} identifiers`);
    expect(scan.series[0]).toMatchObject({ size: [8, 6, 8], frames: 8 });
  });

  it('varying spacing', () => {
    const problem = only(scanOf({ slices: 12, position: (i) => [0, 0, i < 6 ? 2 * i : 12 + 5 * (i - 6)] }));
    expect(problem).toMatchObject({ code: 'DICOM_SPACING_VARIES', stops: false });
    expect(problem.message).toContain('from 2 to 5 mm apart');
  });

  it('spacing that varies by little at a time, but adds up', () => {
    const problem = only(scanOf({ slices: 80, position: (i) => [0, 0, 3 * i + 0.1 * Math.max(0, i - 40)] }));
    expect(problem.code).toBe('DICOM_SPACING_VARIES');
    expect(problem.message).toContain('from 3 to 3.1 mm apart');
  });

  it('gantry tilt', () => {
    const problem = only(scanOf({ position: (i) => [0, i * 2.5 * Math.tan(Math.PI / 12), i * 2.5] }));
    expect(problem).toMatchObject({ code: 'DICOM_GANTRY_TILT', stops: false });
    expect(problem.message).toContain('15 degrees');
  });

  it('colour pictures', () => {
    const rgb = { SamplesPerPixel: 3, PhotometricInterpretation: 'RGB', BitsAllocated: 8, BitsStored: 8, HighBit: 7 };
    const problem = only(scanOf({ slices: 1, change: () => ({ ...rgb, PixelData: [new ArrayBuffer(6 * 8 * 3)] }) }));
    expect(problem).toMatchObject({ code: 'DICOM_NOT_GREY', stops: true });
  });

  it.each([
    ['behind each other', (i: number) => [0, 0, 3 * i]],
    ['in the same places', (i: number) => [0, 0, 3 * (i % 5)]],
  ])('pixels of two sizes, %s', (_, position) => {
    const change = (i: number) => (i < 5 ? {} : { PixelSpacing: [1, 1] });
    const problem = only(scanOf({ slices: 10, position, change }));
    expect(problem).toMatchObject({ code: 'DICOM_PIXELS_DIFFER', stops: true });
    expect(problem.message).toContain('found 0.7 x 0.9 mm and 1 x 1 mm.');
  });

  it('several patients in it', () => {
    const scan = scanOf({ change: (i) => ({ PatientID: i < 3 ? 'one' : 'two' }) });
    expect(scan.series[0].problems).toMatchObject([{ code: 'DICOM_PATIENTS_MIXED', stops: true }]);
  });
});

describe('a fault in a folder is named and stops nothing else:', () => {
  it('patients mixed in one folder', () => {
    const scan = scanOf({}, (folder) =>
      writeSeries(folder, { uid: '1.2.3.3', change: () => ({ PatientID: 'another' }), name: (i) => `other${i}` }),
    );
    expect(only(scan).code).toBe('DICOM_PATIENTS_MIXED');
    expect(new Set(scan.series.map(({ patient }) => patient)).size).toBe(2);
  });

  it('cut, empty and foreign files, objects without an image', () => {
    const scan = scanOf({}, (folder) => {
      const [cut] = writeSeries(folder, { uid: '1.2.3.4', slices: 1, name: () => 'cut' });
      truncateSync(cut, readFileSync(cut).length - 20);
      const [early] = writeSeries(folder, { uid: '1.2.3.5', slices: 1, name: () => 'early' });
      truncateSync(early, 400);
      writeSeries(folder, { uid: '1.2.3.6', slices: 1, name: () => 'none', change: () => ({ PixelData: undefined }) });
      writeFileSync(join(folder, 'empty'), '');
      writeFileSync(join(folder, 'notes.txt'), 'notes');
      const report = { SOPClassUID: '1.2.840.10008.5.1.4.1.1.88.11', SOPInstanceUID: '1.2', Modality: 'SR', _meta: {} };
      writeFileSync(join(folder, 'report'), encode(report));
    });
    expect(scan.series).toHaveLength(1);
    expect(scan.problems.map(({ message }) => message).sort()).toEqual([
      'DICOM files without an image to segment: 1, for example report (SR).',
      'Files that are not DICOM: 2, for example empty.',
      expect.stringMatching(/^cut: the DICOM file .* 8 x 6 pixels in 1 frames, which are 96 bytes; it holds 76\.$/),
      expect.stringMatching(/^early: the DICOM file could not be read: it ends inside the element|cut short/),
      'none: the DICOM file could not be read: it ends before the pixels.',
    ]);
  });

  it.each([
    ['RT Dose', '481.2', 'RTDOSE'],
    ['RT Image', '481.1', 'RTIMAGE'],
    ['Enhanced RT Image', '481.23', 'RTIMAGE'],
    ['Segmentation', '66.4', 'SEG'],
    ['Label Map Segmentation', '66.7', 'SEG'],
    ['Parametric Map', '30', 'MR'],
    ['Ophthalmic Thickness Map', '81.1', 'OPM'],
  ])('pixels that are no image of the patient: %s', (_, kind, Modality) => {
    const SOPClassUID = `1.2.840.10008.5.1.4.1.1.${kind}`;
    const scan = scanOf({}, (folder) =>
      writeSeries(join(folder, 'other'), { uid: '1.2.3.5', slices: 1, change: () => ({ SOPClassUID, Modality }) }),
    );
    expect(scan.series.map(({ modality, size }) => [modality, ...size])).toEqual([['CT', 5, 6, 8]]);
    expect(only(scan)).toMatchObject({ code: 'DICOM_NOT_IMAGE', message: expect.stringContaining(`(${Modality})`) });
  });

  it.each([
    ['Computed Radiography', '1', 'CR'],
    ['Secondary Capture', '7', 'OT'],
    ['Nuclear Medicine', '20', 'NM'],
    ['Digital X-Ray', '1.1', 'DX'],
    ['X-Ray 3D Angiographic', '13.1.1', 'XA'],
    ['Legacy Converted Enhanced PET', '128.1', 'PT'],
  ])('no image of another kind: %s', (_, kind, Modality) => {
    const SOPClassUID = `1.2.840.10008.5.1.4.1.1.${kind}`;
    expect(scanOf({ change: () => ({ SOPClassUID, Modality }) }).series).toHaveLength(1);
  });

  it('a header that announces 60,000 x 60,000 pixels, without room for them', () => {
    const tiny = { Rows: 60_000, Columns: 60_000, BitsAllocated: 8 };
    const problem = only(scanOf({ slices: 1, change: () => tiny }));
    expect(problem.code).toBe('DICOM_UNREADABLE');
    expect(problem.message).toContain('60000 x 60000 pixels');
  });

  it('bytes that are noise behind the marker', () => {
    const scan = scanOf({}, (folder) => {
      const noise = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251));
      noise.write('DICM', 128, 'latin1');
      writeFileSync(join(folder, 'noise'), noise);
    });
    expect(only(scan).code).toBe('DICOM_UNREADABLE');
  });

  it('any damage at all: a scan ends, and without an exception', () => {
    const folder = newFolder();
    const [file] = writeSeries(folder, { slices: 1 });
    const whole = readFileSync(file);
    const damage = fc.record({
      bytes: fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 20 }),
      length: fc.nat(whole.length),
    });
    fc.assert(
      fc.property(damage, ({ bytes, length }) => {
        const damaged = Buffer.from(whole);
        for (const [at, value] of bytes) damaged[at] = value;
        writeFileSync(file, damaged.subarray(0, length));
        const { series, problems } = scanDicom(folder, { key });
        expect(series.length + problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('a folder that is not there', () => {
    expect(errorOf(() => scanDicom(join(root, 'nowhere'), { key })).code).toBe('DICOM_NOT_FOUND');
  });
});

describe('patients', () => {
  it('have the same pseudonym wherever they appear, another under another key, and no name', () => {
    const folder = newFolder();
    writeSeries(join(folder, 'PLANTED NAME', 'x'), { change: (i) => (i === 2 ? undefined : {}) });
    writeSeries(join(folder, 'planted-id-4711'), { uid: '1.2.3.6' });
    const broken = join(folder, 'PLANTED NAME', 'PLANTEDACC-19440229.dcm');
    writeFileSync(broken, readFileSync(join(folder, 'planted-id-4711', 'IM0000')).subarray(0, 1000));
    const scan = scanDicom(folder, { key });
    expect(new Set(scan.series.map(({ patient }) => patient)).size).toBe(1);
    const other = scanDicom(folder, { key: new Uint8Array(32) });
    expect(other.series[0].patient).not.toBe(scan.series[0].patient);
    expect(codes(scan).sort()).toEqual(['DICOM_SLICES_MISSING', 'DICOM_UNREADABLE']);
    const shown = JSON.stringify([scan.problems, scan.series.map(({ files, ...rest }) => rest)]);
    expect(shown).not.toMatch(/PLANTED|19440229|4711/i);
  });

  it('without an identifier are told apart by study', () => {
    const scan = scanOf({ change: () => ({ PatientID: '' }) }, (folder) =>
      writeSeries(join(folder, 'b'), {
        uid: '1.2.3.7',
        change: () => ({ PatientID: '', StudyInstanceUID: '1.2.3.8' }),
      }),
    );
    expect(new Set(scan.series.map(({ patient }) => patient)).size).toBe(2);
  });
});

const real = join('..', 'shared', 'data', 'dicom');
describe.skipIf(!existsSync(real))('real series (skipped where ../shared/data is absent)', () => {
  it('from Siemens, GE and Philips, mosaics and enhanced, are described as they are', () => {
    const { series } = scanDicom(real, { key });
    const found = series.map(({ manufacturer, size, frames, files }) => [manufacturer, ...size, frames, files.length]);
    expect(found.sort()).toEqual(
      [
        ['SIEMENS', 36, 64, 64, 72, 2],
        ['SIEMENS', 35, 64, 64, 70, 2],
        ['SIEMENS', 5, 72, 72, 10, 2],
        ['Siemens HealthCare GmbH', 6, 64, 64, 24, 4],
        ['GE MEDICAL SYSTEMS', 15, 64, 64, 150, 150],
        ['Philips Medical Systems', 32, 64, 64, 64, 1],
      ].sort(),
    );
    expect(series.flatMap(({ problems }) => problems)).toEqual([]);
  });
});

it('makes no folder of its own', () => {
  const folder = newFolder();
  mkdirSync(folder);
  expect(scanDicom(folder, { key })).toEqual({ folder, series: [], problems: [] });
});
