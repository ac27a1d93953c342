/** Files that scanners and archives write past the standard, and by-products: read as they were meant, or refused by name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertDicomSeries, type DicomSeries, niftiOfSeries, scanDicom } from '../../src/data/index.js';
import {
  decode,
  encode,
  key,
  type SeriesOptions,
  temporaryFolder,
  valueAt,
  writeEnhanced,
  writeSeries,
} from './fixtures.js';

const root = temporaryFolder();
let count = 0;

/** @param edit changes the bytes of each file, as Latin-1 text */
function seriesOf(options: SeriesOptions, edit: (text: string) => string = (text) => text): DicomSeries {
  const folder = join(root, `series${count++}`);
  for (const file of writeSeries(folder, options))
    writeFileSync(file, Buffer.from(edit(readFileSync(file).toString('latin1')), 'latin1'));
  const { series, problems } = scanDicom(folder, { key });
  expect([series.length, problems]).toEqual([1, []]);
  return series[0];
}

const withoutMeta = (text: string) =>
  text.slice(
    text.indexOf('\x08\x00\x05\x00') < 0 ? text.indexOf('\x08\x00\x08\x00') : text.indexOf('\x08\x00\x05\x00'),
  );
const codesOf = ({ problems }: DicomSeries) => problems.map(({ code }) => code);

describe('a file without the marker DICM and the meta group', () => {
  it.each([
    ['explicit', '1.2.840.10008.1.2.1'],
    ['implicit', '1.2.840.10008.1.2'],
  ])('is read: %s value types', async (_, syntax) => {
    const whole = await convertDicomSeries(seriesOf({}));
    const change = () => ({ _meta: { TransferSyntaxUID: { Value: [syntax] } } });
    const [volume] = await convertDicomSeries(seriesOf({ change }, withoutMeta));
    expect(volume.data).toEqual(whole[0].data);
  });

  it('or with another value type than it states', async () => {
    const whole = await convertDicomSeries(seriesOf({}));
    const change = () => ({ _meta: { TransferSyntaxUID: { Value: ['1.2.840.10008.1.2'] } } });
    // The zero byte of padding gives room for the longer identifier of the same even length.
    const stating = (text: string) => text.replace('UI\x12\x001.2.840.10008.1.2\0', 'UI\x14\x001.2.840.10008.1.2.1\0');
    const [volume] = await convertDicomSeries(seriesOf({ change }, stating));
    expect(volume.data).toEqual(whole[0].data);
  });

  it('that is no DICOM at all is left alone', () => {
    const folder = join(root, 'none');
    writeSeries(folder, { slices: 1 });
    writeFileSync(
      join(folder, 'noise'),
      Buffer.from('\x08\x00\x05\x00CS\x04\x00abcd and so on, and on, and on', 'latin1'),
    );
    expect(scanDicom(folder, { key }).problems).toMatchObject([{ code: 'DICOM_OTHER_FILES' }]);
  });
});

describe('decimals', () => {
  it('with a comma are read with a point', async () => {
    const series = seriesOf({ pixelSpacing: [1.5, 1.25] }, (text) => text.replace('1.5\\1.25', '1,5\\1,25'));
    expect(series).toMatchObject({ spacing: [2.5, 1.5, 1.25], problems: [] });
    expect((await convertDicomSeries(series))[0].spacing).toEqual([2.5, 1.5, 1.25]);
  });

  it('that are no numbers: the image is left out where it would be another one', () => {
    const folder = join(root, 'letters');
    const [file] = writeSeries(folder, { slices: 1 });
    writeFileSync(
      file,
      Buffer.from(readFileSync(file).toString('latin1').replace('-12\\7\\-30', '-1x\\7\\-30'), 'latin1'),
    );
    expect(scanDicom(folder, { key }).problems).toMatchObject([
      { code: 'DICOM_UNREADABLE', message: expect.stringContaining('the numbers of its place cannot be read') },
    ]);
  });

  it.each([
    ['absent', undefined],
    ['zero', [0, 0]],
  ])('of the spacing that are %s are no millimetres', async (_, PixelSpacing) => {
    const series = seriesOf({ change: () => ({ PixelSpacing }) });
    expect([series.spacing, codesOf(series)]).toEqual([undefined, ['DICOM_SPACING_ABSENT']]);
    await expect(convertDicomSeries(series)).rejects.toMatchObject({ code: 'DICOM_SPACING_ABSENT' });
    const [{ bytes }] = await niftiOfSeries(series);
    expect(bytes[123]).toBe(0); // xyzt_units: unknown
  });
});

it('images that do not say where they lie are told of', async () => {
  const series = seriesOf({ change: () => ({ ImagePositionPatient: undefined }) });
  expect(codesOf(series)).toEqual(['DICOM_PLACE_ABSENT']);
  expect(await convertDicomSeries(series)).toHaveLength(1);
});

it('an overlay is no second volume', async () => {
  const element = (tag: number, vr: string, value: Buffer) => {
    const head = Buffer.alloc(vr === 'OW' ? 12 : 8);
    head.writeUInt16LE(0x6000);
    head.writeUInt16LE(tag, 2);
    head.write(vr, 4, 'latin1');
    if (vr === 'OW') head.writeUInt32LE(value.length, 8);
    else head.writeUInt16LE(value.length, 6);
    return Buffer.concat([head, value]).toString('latin1');
  };
  const short = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer);
  const overlay = [
    element(0x10, 'US', short(6)),
    element(0x11, 'US', short(8)),
    element(0x40, 'CS', Buffer.from('G ')),
    element(0x50, 'SS', short(1, 1)),
    element(0x100, 'US', short(1)),
    element(0x102, 'US', short(0)),
    element(0x3000, 'OW', Buffer.from([255, 0, 255, 0, 255, 0])),
  ].join('');
  const series = seriesOf({}, (text) => text.replace('\xe0\x7f\x10\x00OW', (pixels) => overlay + pixels));
  const volumes = await convertDicomSeries(series);
  expect(volumes.map(({ path }) => path)).toEqual([`${series.patient}_${series.series}`]);
});

describe('values', () => {
  const scaleOf = (frame: number) => ({ RescaleSlope: 1 + 0.5 * frame, RescaleIntercept: -100 * frame });
  const scaled = (options: SeriesOptions = {}) =>
    Float32Array.from({ length: 240 }, (_, i) => {
      const [z, y, x] = [Math.floor(i / 48), Math.floor(i / 8) % 6, i % 8];
      const { RescaleSlope, RescaleIntercept } = scaleOf(z);
      // RAS: rows run from back to front, columns from left to right.
      return RescaleSlope * valueAt(z, 5 - y, 7 - x, options) + RescaleIntercept;
    });

  it('of a file with a scale for each frame follow the scale of their own frame', async () => {
    const file = writeEnhanced(join(root, 'enhanced'), {});
    const dataset = decode(readFileSync(file));
    (dataset.SharedFunctionalGroupsSequence as Record<string, unknown>[])[0].PixelValueTransformationSequence =
      undefined;
    for (const [i, frame] of (dataset.PerFrameFunctionalGroupsSequence as Record<string, unknown>[]).entries())
      frame.PixelValueTransformationSequence = [{ ...scaleOf(i), RescaleType: 'US' }];
    writeFileSync(file, encode({ ...dataset, Manufacturer: 'SIEMENS', _vrMap: { PixelData: 'OW' }, _meta: {} }));
    const [volume] = await convertDicomSeries(scanDicom(file, { key }).series[0]);
    expect(volume.data).toEqual(scaled());
  });

  it('of files with a scale each follow it', async () => {
    const [volume] = await convertDicomSeries(seriesOf({ change: scaleOf }));
    expect(volume.data).toEqual(scaled());
  });

  it('with and without a sign are no one series', async () => {
    const series = seriesOf({ change: (i) => ({ PixelRepresentation: i % 2 }) });
    expect(codesOf(series)).toEqual(['DICOM_PIXELS_DIFFER']);
    await expect(convertDicomSeries(series)).rejects.toMatchObject({ code: 'DICOM_PIXELS_DIFFER' });
  });
});
