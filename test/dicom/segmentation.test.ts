/** A mask as DICOM-SEG, read back: voxel for voxel, in millimetres, and every frame with its source image. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import {
  convertDicomSeries,
  type DicomSeries,
  maskSource,
  scanDicom,
  type Volume,
  writeDicomSegmentation,
} from '../../src/data/index.js';
import { compressed } from './compressed.js';
import {
  type Dataset,
  decode,
  key,
  nuclear,
  planted,
  type SeriesOptions,
  temporaryFolder,
  writeClassic,
  writeCodedSeries,
  writeEnhanced,
  writeSeries,
} from './fixtures.js';
import { names } from './names.js';

const root = temporaryFolder();
let count = 0;

async function seriesOf(options: SeriesOptions) {
  const folder = join(root, `series${count++}`);
  writeSeries(folder, options);
  const [series] = scanDicom(folder, { key }).series;
  return { series, volumes: await convertDicomSeries(series) };
}

/** Two classes and background, in no pattern that a flip or a transposition would keep. */
const labelsOf = ({ data }: Volume) => Uint8Array.from(data, (value) => [0, 1, 0, 2, 1][Math.abs(value * 7) % 5]);

type Item = Record<string, Dataset[]>;
const list = (value: unknown) => (Array.isArray(value) ? value : [value]) as Dataset[];
const numbers = (value: unknown) => (Array.isArray(value) ? value : [value]).map(Number);

/** Every set pixel of a DICOM-SEG as `x y z segment`, in mm of RAS, to a thousandth. */
function readBack(seg: Dataset): Set<string> {
  const shared = list(seg.SharedFunctionalGroupsSequence)[0] as Item;
  const orientation = numbers(list(shared.PlaneOrientationSequence)[0].ImageOrientationPatient);
  const [betweenRows, betweenColumns] = numbers(list(shared.PixelMeasuresSequence)[0].PixelSpacing);
  const [rows, columns] = [Number(seg.Rows), Number(seg.Columns)];
  const bits = new Uint8Array((seg.PixelData as ArrayBuffer[])[0]);
  const found = new Set<string>();
  list(seg.PerFrameFunctionalGroupsSequence).forEach((frame, f) => {
    const { PlanePositionSequence, SegmentIdentificationSequence } = frame as Item;
    const position = numbers(list(PlanePositionSequence)[0].ImagePositionPatient);
    const segment = list(SegmentIdentificationSequence)[0].ReferencedSegmentNumber;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const bit = (f * rows + r) * columns + c;
        if (((bits[bit >> 3] >> (bit & 7)) & 1) === 0) continue;
        const at = (axis: number) =>
          position[axis] + orientation[axis] * betweenColumns * c + orientation[axis + 3] * betweenRows * r;
        found.add(`${place([-at(0), -at(1), at(2)])} ${segment}`);
      }
  });
  return found;
}

function fromLabels({ shape: [nz, ny, nx], affine }: Volume, labels: Uint8Array): Set<string> {
  const found = new Set<string>();
  for (let z = 0, i = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++) {
        const at = (row: number) =>
          affine[4 * row] * x + affine[4 * row + 1] * y + affine[4 * row + 2] * z + affine[4 * row + 3];
        if (labels[i] > 0) found.add(`${place([at(0), at(1), at(2)])} ${labels[i]}`);
      }
  return found;
}
const place = (mm: number[]) => mm.map((value) => (Math.round(value * 100) / 100 + 0).toFixed(2)).join(' ');

const orientations: [string, number[]][] = [
  ['axial', [1, 0, 0, 0, 1, 0]],
  ['coronal', [1, 0, 0, 0, 0, -1]],
  ['sagittal', [0, 1, 0, 0, 0, -1]],
  ['oblique', [Math.cos(0.2), Math.sin(0.2), 0, -Math.sin(0.2), Math.cos(0.2), 0]],
];

/** Frames of the source file that a segmentation's frames refer to. */
const framesNamed = (seg: Dataset) =>
  new Set(
    (list(seg.PerFrameFunctionalGroupsSequence) as Item[]).map(({ DerivationImageSequence }) =>
      Number(list((list(DerivationImageSequence)[0] as Item).SourceImageSequence)[0].ReferencedFrameNumber),
    ),
  );

describe('a DICOM-SEG', () => {
  it.each(orientations)('of %s slices holds the mask voxel for voxel at its millimetres', async (name, orientation) => {
    const { series, volumes } = await seriesOf({ orientation });
    const labels = labelsOf(volumes[0]);
    const path = join(root, `${name}.dcm`);
    await writeDicomSegmentation(path, labels, volumes[0], series, { classes: ['one', 'two'] });
    const found = readBack(decode(readFileSync(path)));
    expect(found.size).toBeGreaterThan(50);
    expect(found).toEqual(fromLabels(volumes[0], labels));
  });

  it.each([1, 2])(
    'is written where positions are rounded to %i decimals, on the slices as they are',
    async (digits) => {
      const { series, volumes } = await seriesOf({
        slices: 80,
        spacing: 0.625,
        position: (i: number) => [0, 0, Number((i * 0.625).toFixed(digits))],
      });
      const labels = labelsOf(volumes[0]);
      const path = join(root, `rounded${digits}.dcm`);
      await writeDicomSegmentation(path, labels, volumes[0], series, { classes: ['one', 'two'] });
      const seg = decode(readFileSync(path));
      const [shared] = list(seg.SharedFunctionalGroupsSequence) as Item[];
      expect(Number(list(shared.PixelMeasuresSequence)[0].SpacingBetweenSlices)).toBeCloseTo(0.625, 2);
      const slices = (found: Set<string>) => {
        const counts = new Map<string, number>();
        for (const one of found) {
          const [, , z, segment] = one.split(' ');
          const slice = `${Math.round(Number(z) / 0.6253)} ${segment}`;
          counts.set(slice, (counts.get(slice) ?? 0) + 1);
        }
        return counts;
      };
      expect(slices(readBack(seg))).toEqual(slices(fromLabels(volumes[0], labels)));
    },
  );

  it('names the source image of every frame and belongs to its study', async () => {
    const { series, volumes } = await seriesOf({ orientation: [0, 1, 0, 0, 0, -1] });
    const path = join(root, 'source.dcm');
    await writeDicomSegmentation(path, labelsOf(volumes[0]), volumes[0], series, { classes: ['one', 'two'] });
    const seg = decode(readFileSync(path));
    const sources = series.files.map((file) => decode(readFileSync(file)));
    const positionOf = new Map(sources.map((one) => [one.SOPInstanceUID, numbers(one.ImagePositionPatient)]));
    const frames = list(seg.PerFrameFunctionalGroupsSequence) as Item[];
    expect(frames.length).toBe(Number(seg.NumberOfFrames));
    for (const { DerivationImageSequence, PlanePositionSequence } of frames) {
      const [source] = list((list(DerivationImageSequence)[0] as Item).SourceImageSequence);
      const position = numbers(list(PlanePositionSequence)[0].ImagePositionPatient);
      expect(positionOf.get(source.ReferencedSOPInstanceUID)).toEqual(position);
    }
    const [first] = sources;
    for (const name of ['StudyInstanceUID', 'FrameOfReferenceUID', 'PatientID', 'StudyID', 'AccessionNumber'])
      expect([name, seg[name]]).toEqual([name, first[name]]);
    expect(seg.SeriesInstanceUID).not.toBe(first.SeriesInstanceUID);
    expect(list(seg.SegmentSequence).map((one) => one.SegmentLabel)).toEqual(['one', 'two']);
    const [referenced] = list(seg.ReferencedSeriesSequence) as Item[];
    expect(referenced.SeriesInstanceUID).toBe(first.SeriesInstanceUID);
    expect(list(referenced.ReferencedInstanceSequence)).toHaveLength(5);
  });

  it('of a multi-frame file names its frames', async () => {
    const file = writeEnhanced(join(root, 'enhanced'), { orientation: [1, 0, 0, 0, 0, -1] });
    const [series] = scanDicom(file, { key }).series;
    expect(series).toMatchObject({ size: [5, 6, 8], spacing: [2.5, 0.7, 0.9], frames: 5, problems: [] });
    const [volume] = await convertDicomSeries(series);
    const { volumes } = await seriesOf({ orientation: [1, 0, 0, 0, 0, -1] });
    expect(volume.data).toEqual(volumes[0].data);
    const path = join(root, 'enhanced.dcm');
    const labels = labelsOf(volume);
    await writeDicomSegmentation(path, labels, volume, series, { classes: ['one', 'two'] });
    const seg = decode(readFileSync(path));
    expect(readBack(seg)).toEqual(fromLabels(volume, labels));
    expect(framesNamed(seg)).toEqual(new Set([1, 2, 3, 4, 5]));
  });

  it.each([
    ['a secondary capture', [1, 0, 0, 0, 1, 0], {}],
    ['a reconstruction of nuclear medicine', [1, 0, 0, 0, 1, 0], 'nuclear'],
    ['a coronal reconstruction of nuclear medicine', [1, 0, 0, 0, 0, -1], 'nuclear'],
  ])('of %s in one file without groups names its frames', async (name, orientation, changed) => {
    const folder = join(root, `classic${count++}`);
    const dataset = changed === 'nuclear' ? nuclear(5, { position: [-12, 7, -30], orientation }) : {};
    const [series] = scanDicom(writeClassic(folder, { orientation }, dataset), { key }).series;
    expect(series).toMatchObject({ size: [5, 6, 8], spacing: [2.5, 0.7, 0.9], frames: 5, problems: [] });
    const [volume] = await convertDicomSeries(series);
    const { volumes } = await seriesOf({ orientation });
    expect([volume.affine, volume.data]).toEqual([volumes[0].affine, volumes[0].data]);
    const path = join(root, `${name}.dcm`);
    const labels = labelsOf(volume);
    await writeDicomSegmentation(path, labels, volume, series, { classes: ['one', 'two'] });
    const seg = decode(readFileSync(path));
    expect(readBack(seg)).toEqual(fromLabels(volume, labels));
    expect(framesNamed(seg)).toEqual(new Set([1, 2, 3, 4, 5]));
  });

  it('copies who the patient is and no other text of the source', async () => {
    const { series, volumes } = await seriesOf({});
    const path = join(root, 'texts.dcm');
    await writeDicomSegmentation(path, labelsOf(volumes[0]), volumes[0], series, { classes: ['one', 'two'] });
    const text = readFileSync(path, 'latin1');
    const { PatientName, PatientID, PatientBirthDate, AccessionNumber, ...most } = planted;
    const { ReferringPhysicianName, StudyDescription, ...others } = most;
    const names = [PatientName, PatientID, PatientBirthDate, AccessionNumber, ReferringPhysicianName, StudyDescription];
    for (const there of names) expect(text).toContain(there);
    for (const absent of Object.values(others).filter((value) => value !== planted.StudyInstanceUID))
      expect(text).not.toContain(absent);
  });

  it('says what each class is, what found it, and what is doubted of it', async () => {
    const { series, volumes } = await seriesOf({});
    const path = join(root, 'said.dcm');
    await writeDicomSegmentation(path, labelsOf(volumes[0]), volumes[0], series, {
      classes: ['kidney_cyst_left', 'other'],
      algorithm: { name: 'graft seed1', version: '9.8.7', model: 'a1'.repeat(32), adapter: 'b2'.repeat(32) },
      codes: new Map([['other', { colour: [255, 255, 255] as const }]]),
      warnings: ['Twice the volume of the source.', 'Spacing 3 mm, not 1.'],
    });
    const seg = decode(readFileSync(path));
    const [cyst, other] = list(seg.SegmentSequence) as Item[];
    const codeOf = (item: Dataset, name: string) => list(item[name])[0]?.CodeValue;
    expect(codeOf(cyst, 'SegmentedPropertyTypeCodeSequence')).toBe('367643001');
    const [region] = list(cyst.AnatomicRegionSequence) as Item[];
    expect([region.CodeValue, codeOf(region, 'AnatomicRegionModifierSequence')]).toEqual(['64033007', '7771000']);
    expect([other.SegmentLabel, numbers(other.RecommendedDisplayCIELabValue)]).toEqual([
      'other',
      [65_535, 32_896, 32_896],
    ]);
    const [algorithm] = list(cyst.SegmentationAlgorithmIdentificationSequence);
    expect(algorithm).toMatchObject({ AlgorithmName: 'graft seed1', AlgorithmVersion: '9.8.7' });
    expect(algorithm.AlgorithmParameters).toBe(`model ${'a1'.repeat(32)}\nadapter ${'b2'.repeat(32)}`);
    expect(seg.ImageComments).toBe('Twice the volume of the source.\nSpacing 3 mm, not 1.');
    expect(seg.ContentDescription).toContain('warnings: 2');
    expect([seg.SegmentsOverlap, seg.LossyImageCompression]).toEqual(['NO', '00']);
  });

  it.each([
    [
      'from its header',
      { LossyImageCompression: '01', LossyImageCompressionRatio: 10, LossyImageCompressionMethod: 'ISO_10918_1' },
      10,
    ],
    [
      'from its header, after another loss',
      {
        LossyImageCompression: '01',
        LossyImageCompressionRatio: [4, 2.5],
        LossyImageCompressionMethod: ['ISO_10918_1', 'ISO_15444_1'],
      },
      [4, 2.5],
    ],
  ])('passes on the lossy compression of its source, %s', async (_, lossy, ratio) => {
    const { series, volumes } = await seriesOf({ change: () => lossy });
    const path = join(root, 'lossy.dcm');
    await writeDicomSegmentation(path, labelsOf(volumes[0]), volumes[0], series, { classes: ['one', 'two'] });
    const seg = decode(readFileSync(path));
    expect(seg.LossyImageCompression).toBe('01');
    expect(numbers(seg.LossyImageCompressionRatio)).toEqual([ratio].flat());
    expect([seg.LossyImageCompressionMethod].flat()).toEqual([lossy.LossyImageCompressionMethod].flat());
  });

  it('passes on the lossy compression of its source, from the pixels themselves', async () => {
    const [, syntax, fragment] = compressed.find(([name]) => name === 'JPEG baseline')!;
    const pixels = Buffer.from(fragment, 'base64');
    const { series, volumes } = await seriesOf({
      slices: 3,
      change: () => ({
        ...{ BitsAllocated: 8, BitsStored: 8, HighBit: 7, PixelRepresentation: 0 },
        PixelData: [new Uint8Array(pixels).buffer],
        _vrMap: { PixelData: 'OB' },
        _meta: { TransferSyntaxUID: { Value: [syntax] } },
      }),
    });
    const path = join(root, 'jpeg.dcm');
    await writeDicomSegmentation(path, labelsOf(volumes[0]), volumes[0], series, { classes: ['one', 'two'] });
    const seg = decode(readFileSync(path));
    expect([seg.LossyImageCompression, seg.LossyImageCompressionMethod]).toEqual(['01', 'ISO_10918_1']);
    expect(Number(seg.LossyImageCompressionRatio)).toBeGreaterThan(0);
  });

  it('has a series number that is one, whatever the number of the source', async () => {
    const { series, volumes } = await seriesOf({ change: () => ({ SeriesNumber: '456115117112' }) });
    const path = join(root, 'number.dcm');
    await writeDicomSegmentation(path, labelsOf(volumes[0]), volumes[0], series, { classes: ['one', 'two'] });
    const number = Number(decode(readFileSync(path)).SeriesNumber);
    expect(Number.isInteger(number) && number > 0 && number < 2 ** 31).toBe(true);
  });

  it('of an empty mask is valid: one empty frame', async () => {
    const { series, volumes } = await seriesOf({});
    const path = join(root, 'empty.dcm');
    await writeDicomSegmentation(path, new Uint8Array(volumes[0].data.length), volumes[0], series, {
      classes: ['one'],
    });
    const seg = decode(readFileSync(path));
    expect([seg.NumberOfFrames, readBack(seg).size]).toEqual([1, 0]);
  });
});

describe('the patient of a DICOM-SEG is the one of its source', () => {
  /** The stored bytes of an element with a short length (explicit VR), and whatever padding they have. */
  function stored(file: string, [group, element]: [number, number], vr: string): Buffer {
    const bytes = readFileSync(file);
    const head = Buffer.alloc(6);
    head.writeUInt16LE(group);
    head.writeUInt16LE(element, 2);
    head.write(vr, 4, 'latin1');
    const at = bytes.indexOf(head);
    return at < 0 ? Buffer.alloc(0) : bytes.subarray(at + 8, at + 8 + bytes.readUInt16LE(at + 6));
  }
  async function segOf(sets: string[], coded: Record<string, Buffer>, classes: string[]) {
    const folder = join(root, `series${count++}`);
    writeCodedSeries(folder, sets, coded);
    const [series] = scanDicom(folder, { key }).series;
    const [volume] = await convertDicomSeries(series);
    const path = join(root, `coded${count}.dcm`);
    await writeDicomSegmentation(path, labelsOf(volume), volume, series, { classes });
    return {
      characterSet: stored(path, [0x0008, 0x0005], 'CS').toString('latin1').trim(),
      name: stored(path, [0x0010, 0x0010], 'PN'),
      id: stored(path, [0x0010, 0x0020], 'LO'),
      label: stored(path, [0x0062, 0x0005], 'LO'),
    };
  }

  it.each(names)('with a name in %s', async (_, sets, hex, name) => {
    const seg = await segOf(sets, { PatientName: Buffer.from(hex, 'hex'), PatientID: Buffer.from('ID-1') }, [
      'größe',
      'b',
    ]);
    expect([seg.characterSet, seg.name.toString().trimEnd()]).toEqual(['ISO_IR 192', name]);
    expect(seg.label.toString().trimEnd()).toBe('größe');
  });

  it('in every coded element, not the name alone', async () => {
    const coded = { PatientName: Buffer.from('c4', 'hex'), PatientID: Buffer.from('d8313233', 'hex') };
    const seg = await segOf(['ISO_IR 100'], coded, ['a', 'b']);
    expect([seg.name.toString().trimEnd(), seg.id.toString().trimEnd()]).toEqual(['Ä', 'Ø123']);
  });

  it('byte for byte, with its character sets, where the text cannot be read; labels then are plain letters', async () => {
    const name = Buffer.from('4afc72675e41', 'hex');
    const declared = await segOf(['', 'ISO 2022 IR 87'], { PatientName: name }, ['größe', 'b']);
    expect(declared.name).toEqual(name);
    expect(declared.characterSet).toBe('\\ISO 2022 IR 87');
    expect(declared.label.toString().trimEnd()).toBe('grosse');
    const undeclared = await segOf([], { PatientName: name }, ['größe', 'b']);
    expect([undeclared.name, undeclared.characterSet]).toEqual([name, '']);
  });

  it('or there is none: an identifier that breaks the rules is neither cut nor copied', async () => {
    const writing = segOf([], { PatientID: Buffer.from('1'.repeat(66)) }, ['a', 'b']);
    await expect(writing).rejects.toMatchObject({ code: 'DICOM_SEG_IDENTITY' });
  });
});

describe('what no DICOM-SEG can hold is refused:', () => {
  const codeOf = async (options: SeriesOptions, choose = (volumes: Volume[]) => volumes[0]) => {
    const { series, volumes } = await seriesOf(options);
    const volume = choose(volumes);
    const path = join(root, 'refused.dcm');
    const labels = new Uint8Array(volume.data.length);
    const error = await writeDicomSegmentation(path, labels, volume, series, { classes: ['one'] }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(GraftError);
    expect(existsSync(path)).toBe(false);
    return (error as GraftError).code;
  };

  it('an interpolated volume', async () => {
    const position = (i: number) => [0, 0, i < 6 ? 2 * i : 12 + 5 * (i - 6)];
    expect(await codeOf({ slices: 12, position })).toBe('DICOM_SEG_GEOMETRY');
  });

  const real = join('..', 'shared', 'data', 'dicom');
  it.skipIf(!existsSync(real))('a mosaic (skipped where ../shared/data is absent)', async () => {
    const { series } = scanDicom(real, { key });
    const mosaic = series.find(({ manufacturer, files }) => manufacturer === 'SIEMENS' && files.length === 2)!;
    const [volume] = await convertDicomSeries(mosaic);
    await expect(maskSource(volume, mosaic)).rejects.toMatchObject({
      code: 'DICOM_SEG_GEOMETRY',
      message: expect.stringContaining(`mosaic of ${mosaic.size[0]} slices`),
    });
  });

  it('images that share an identifier', async () => {
    expect(await codeOf({ change: (i) => ({ SOPInstanceUID: `1.2.3.9.${Math.max(1, i)}` }) })).toBe(
      'DICOM_SEG_GEOMETRY',
    );
  });

  it('a volume of another series', async () => {
    const { volumes } = await seriesOf({ spacing: 3 });
    expect(await codeOf({}, () => volumes[0])).toBe('DICOM_SEG_GEOMETRY');
  });
});

describe('a series of several volumes gives a DICOM-SEG for each', () => {
  async function sourcesOf(series: DicomSeries, volume: Volume) {
    const path = join(root, `several${count++}.dcm`);
    const labels = labelsOf(volume);
    await writeDicomSegmentation(path, labels, volume, series, { classes: ['one', 'two'] });
    const seg = decode(readFileSync(path));
    expect(readBack(seg)).toEqual(fromLabels(volume, labels));
    const frames = list(seg.PerFrameFunctionalGroupsSequence) as Item[];
    return frames.map(
      ({ DerivationImageSequence }) => list((list(DerivationImageSequence)[0] as Item).SourceImageSequence)[0],
    );
  }

  it('which names the images of its own volume alone', async () => {
    const { series, volumes } = await seriesOf({
      slices: 12,
      position: (i: number) => [0, 0, 5 * (i % 4)],
      change: (i: number) => ({ AcquisitionNumber: 1 + Math.floor(i / 4) }),
    });
    expect(volumes).toHaveLength(3);
    const identifiers = series.files.map((file) => decode(readFileSync(file)).SOPInstanceUID);
    for (const [v, volume] of volumes.entries()) {
      const images = (await sourcesOf(series, volume)).map((one) => one.ReferencedSOPInstanceUID);
      expect(new Set(images)).toEqual(new Set(identifiers.slice(4 * v, 4 * v + 4)));
    }
  });

  const philips = join('..', 'shared', 'data', 'dicom', 'philips-enhanced', 'series');
  it.skipIf(!existsSync(philips))('also of one multi-frame file (skipped where ../shared/data is absent)', async () => {
    const [series] = scanDicom(philips, { key }).series;
    const volumes = await convertDicomSeries(series);
    const frames = await Promise.all(
      volumes.map(async (volume) => (await sourcesOf(series, volume)).map((one) => Number(one.ReferencedFrameNumber))),
    );
    expect(new Set(frames.flat()).size).toBe(frames.reduce((sum, one) => sum + new Set(one).size, 0));
  });
});
