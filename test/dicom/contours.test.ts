/** Masks as contours and reports: what they say is what the mask is, to the pixel, the millimetre and the millilitre. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Corner, contoursOf } from '../../src/data/dicom/contours.js';
import {
  convertDicomSeries,
  maskSource,
  measurementReportFile,
  scanDicom,
  segmentationFile,
  structureSetFile,
  type Volume,
} from '../../src/data/index.js';
import { describeWithDcmtk, tool } from '../receiver/dcmtk.js';
import {
  type Dataset,
  decode,
  key,
  type SeriesOptions,
  temporaryFolder,
  writeEnhanced,
  writeSeries,
} from './fixtures.js';

const root = temporaryFolder();
let count = 0;

/** How often a ray from a point to the right crosses the polygon: odd inside. */
const crossings = (polygon: readonly (readonly number[])[], row: number, column: number) =>
  polygon.filter(([r, c], i) => {
    const [nextRow, nextColumn] = polygon[(i + 1) % polygon.length];
    if (r > row === nextRow > row) return false;
    return c + ((row - r) / (nextRow - r)) * (nextColumn - c) > column;
  }).length;

const areaOf = (polygon: readonly Corner[]) =>
  polygon.reduce((sum, [r, c], i) => {
    const [nextRow, nextColumn] = polygon[(i + 1) % polygon.length];
    return sum + (c * nextRow - nextColumn * r) / 2;
  }, 0);

describe('contours', () => {
  const check = (mask: boolean[][]) => {
    const [rows, columns] = [mask.length, mask[0].length];
    const polygons = contoursOf(rows, columns, (r, c) => mask[r][c]);
    // Every pixel's centre lies in one polygon where it is of the mask, and in none otherwise, by either rule of filling.
    const found = mask.map((row, r) =>
      row.map((_, c) => polygons.filter((polygon) => crossings(polygon, r + 0.5, c + 0.5) % 2 === 1).length),
    );
    expect(found).toEqual(mask.map((row) => row.map(Number)));
    const pixels = mask.flat().filter(Boolean).length;
    expect(polygons.reduce((sum, one) => sum + areaOf(one), 0)).toBeCloseTo(pixels, 9);
    const straight = (polygon: readonly Corner[]) =>
      polygon.every(([r, c], i) => {
        const [nextRow, nextColumn] = polygon[(i + 1) % polygon.length];
        return (r === nextRow) !== (c === nextColumn);
      });
    expect(polygons.every((polygon) => areaOf(polygon) > 0 && straight(polygon))).toBe(true);
    return polygons;
  };

  it('enclose any mask exactly: holes, holes in islands in holes, corners that touch, borders', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }).chain((columns) =>
          fc.array(fc.array(fc.boolean(), { minLength: columns, maxLength: columns }), {
            minLength: 1,
            maxLength: 9,
          }),
        ),
        (mask) => {
          check(mask);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each([
    ['a pixel', ['.....', '..#..', '.....'], 1, 4],
    ['a ring, joined to its hole', ['#####', '#...#', '#.#.#', '#...#', '#####'], 2, 16],
    ['pixels that touch at a corner', ['#.', '.#'], 2, 8],
    ['all of a slice', ['###', '###'], 1, 4],
    ['nothing', ['...'], 0, 0],
  ])('of %s', (_, picture, polygons, corners) => {
    const found = check(picture.map((row) => [...row].map((one) => one === '#')));
    expect([found.length, found.flat().length]).toEqual([polygons, corners]);
  });
});

type Item = Record<string, Dataset[]>;
const codeOf = (codes: unknown) => (list(codes)[0] as Dataset | undefined)?.CodeValue;
const list = (value: unknown) => (value === undefined ? [] : Array.isArray(value) ? value : [value]) as Item[];
const numbers = (value: unknown) => (Array.isArray(value) ? value : [value]).map(Number);

async function maskOf(options: SeriesOptions, write: typeof writeSeries | typeof writeEnhanced = writeSeries) {
  const folder = join(root, `series${count++}`);
  write(folder, options);
  const [series] = scanDicom(folder, { key }).series;
  const [volume] = await convertDicomSeries(series);
  const labels = Uint8Array.from(volume.data, (value) => [0, 1, 1, 2, 1][Math.abs(value * 7) % 5]);
  return { series, volume, labels, source: await maskSource(volume, series) };
}
const options = { classes: ['kidney_left', 'liver_tumour'], warnings: ['Twice the volume of the source.'] };

describe('a structure set', () => {
  const orientations: [string, number[]][] = [
    ['axial', [1, 0, 0, 0, 1, 0]],
    ['sagittal', [0, 1, 0, 0, 0, -1]],
    ['oblique', [Math.cos(0.2), Math.sin(0.2), 0, -Math.sin(0.2), Math.cos(0.2), 0]],
  ];
  const placeOf = (mm: number[]) => mm.map((value) => (Math.round(value * 100) / 100 + 0).toFixed(2)).join(' ');
  /** The number of each voxel by its place in mm of RAS. */
  function voxelsOf({ affine, shape: [nz, ny, nx] }: Volume): Map<string, number> {
    const voxels = new Map<string, number>();
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++)
        for (let x = 0; x < nx; x++) {
          const at = [0, 4, 8].map(
            (row) => affine[row] * x + affine[row + 1] * y + affine[row + 2] * z + affine[row + 3],
          );
          voxels.set(placeOf(at), voxels.size);
        }
    return voxels;
  }

  it.each(orientations)(
    'of %s slices encloses the voxels of each class at their millimetres',
    async (name, orientation) => {
      const { series, volume, labels, source } = await maskOf({ orientation });
      const set = decode(Buffer.from(structureSetFile(labels, source, options)));
      const images = new Map(
        series.files.map((file) => decode(readFileSync(file))).map((one) => [one.SOPInstanceUID, one]),
      );
      const voxels = voxelsOf(volume);
      const found = new Uint8Array(labels.length);
      const [a, b, c, d, e, f] = orientation;
      for (const { ReferencedROINumber, ContourSequence } of list(set.ROIContourSequence))
        for (const contour of list(ContourSequence)) {
          const image = images.get(list(contour.ContourImageSequence)[0].ReferencedSOPInstanceUID)!;
          const [x0, y0, z0] = numbers(image.ImagePositionPatient);
          const [betweenRows, betweenColumns] = numbers(image.PixelSpacing);
          const mm = numbers(contour.ContourData);
          expect(mm.length).toBe(3 * Number(contour.NumberOfContourPoints));
          // In pixels of the image, from the patient's millimetres alone.
          const polygon = Array.from({ length: mm.length / 3 }, (_, i) => {
            const [dx, dy, dz] = [mm[3 * i] - x0, mm[3 * i + 1] - y0, mm[3 * i + 2] - z0];
            return [(dx * d + dy * e + dz * f) / betweenRows, (dx * a + dy * b + dz * c) / betweenColumns];
          });
          for (let row = 0; row < Number(image.Rows); row++)
            for (let column = 0; column < Number(image.Columns); column++) {
              if (crossings(polygon, row, column) % 2 === 0) continue;
              const at = [x0, y0, z0].map(
                (start, i) => start + orientation[i] * betweenColumns * column + orientation[i + 3] * betweenRows * row,
              );
              found[voxels.get(placeOf([-at[0], -at[1], at[2]]))!] = Number(ReferencedROINumber);
            }
        }
      expect([name, found]).toEqual([name, labels]);
    },
  );

  it('belongs to the study of its source, names classes, and refers to what it was drawn on', async () => {
    const { series, labels, source } = await maskOf({});
    const set = decode(Buffer.from(structureSetFile(labels, source, options)));
    const [first] = series.files.map((file) => decode(readFileSync(file)));
    for (const name of ['StudyInstanceUID', 'PatientID', 'AccessionNumber'])
      expect([name, set[name]]).toEqual([name, first[name]]);
    expect([set.Modality, list(set.StructureSetROISequence).map(({ ROIName }) => ROIName)]).toEqual([
      'RTSTRUCT',
      options.classes,
    ]);
    const [frame] = list(set.ReferencedFrameOfReferenceSequence);
    expect(frame.FrameOfReferenceUID).toBe(first.FrameOfReferenceUID);
    const [study] = list(frame.RTReferencedStudySequence);
    const [referred] = list(study.RTReferencedSeriesSequence);
    expect([study.ReferencedSOPInstanceUID, referred.SeriesInstanceUID]).toEqual([
      first.StudyInstanceUID,
      first.SeriesInstanceUID,
    ]);
    expect(list(referred.ContourImageSequence)).toHaveLength(series.files.length);
    const [code] = list(list(set.RTROIObservationsSequence)[0].RTROIIdentificationCodeSequence);
    expect([code.CodeValue, code.CodingSchemeDesignator]).toEqual(['64033007', 'SCT']);
  });

  it('says which frame of a multi-frame image a contour lies on', async () => {
    const { labels, source } = await maskOf({}, writeEnhanced);
    const set = decode(Buffer.from(structureSetFile(labels, source, options)));
    const frames = list(set.ROIContourSequence)
      .flatMap(({ ContourSequence }) => list(ContourSequence))
      .map(({ ContourImageSequence }) => Number(list(ContourImageSequence)[0].ReferencedFrameNumber));
    expect([...new Set(frames)].sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('holds outlines of any length', async () => {
    const { labels, source } = await maskOf({ slices: 1, rows: 240, columns: 240, position: () => [0, 0, 0] });
    const comb = labels.map((_, i) => (Math.floor(i / 240) % 2 === 0 || i % 240 === 0 ? 1 : 0));
    const set = decode(Buffer.from(structureSetFile(comb, source, { classes: ['one'] })));
    const [contour] = list(list(set.ROIContourSequence)[0].ContourSequence);
    expect(Number(contour.NumberOfContourPoints)).toBeGreaterThan(400);
    expect(numbers(contour.ContourData)).toHaveLength(3 * Number(contour.NumberOfContourPoints));
  });
});

/** Items of a report's content that have a name. */
const named = (items: unknown, value: string) =>
  list(items).filter(({ ConceptNameCodeSequence }) => codeOf(ConceptNameCodeSequence) === value);
const groupsIn = (report: Dataset) =>
  named(named(report.ContentSequence, '126010')[0].ContentSequence, '125007').map(
    ({ ContentSequence }) => ContentSequence,
  );

describe('a measurement report', () => {
  it('has the volume of every class, its segment, its images and what is doubted', async () => {
    const { series, volume, labels, source } = await maskOf({});
    const seg = segmentationFile(labels, source, options);
    const report = decode(Buffer.from(measurementReportFile(labels, source, seg.reference, options)));
    const segmentation = decode(Buffer.from(seg.bytes));
    expect([report.StudyInstanceUID, report.PatientID]).toEqual([
      segmentation.StudyInstanceUID,
      segmentation.PatientID,
    ]);
    const groups = groupsIn(report);
    expect(groups).toHaveLength(2);
    const voxelMl = volume.spacing.reduce((a, b) => a * b) / 1000;
    for (const [i, ContentSequence] of groups.entries()) {
      const [volumeItem] = named(ContentSequence, '118565006');
      const [measured] = list(volumeItem.MeasuredValueSequence);
      const expected = labels.filter((label) => label === i + 1).length * voxelMl;
      expect(Number(measured.NumericValue)).toBeCloseTo(expected, 3);
      expect(list(measured.MeasurementUnitsCodeSequence)[0].CodeValue).toBe('ml');
      const [referred] = list(named(ContentSequence, '121191')[0].ReferencedSOPSequence);
      expect([referred.ReferencedSOPInstanceUID, Number(referred.ReferencedSegmentNumber)]).toEqual([
        segmentation.SOPInstanceUID,
        i + 1,
      ]);
      // The measurement and the segment are known as one, in any program that reads either.
      const segment = list(segmentation.SegmentSequence)[i];
      expect([named(ContentSequence, '112039')[0].TextValue, named(ContentSequence, '112040')[0].UID]).toEqual([
        options.classes[i],
        segment.TrackingUID,
      ]);
      expect(segment.TrackingID).toBe(options.classes[i]);
      const category = list(segment.SegmentedPropertyCategoryCodeSequence)[0].CodeValue;
      expect(list(named(ContentSequence, '276214006')[0].ConceptCodeSequence)[0].CodeValue).toBe(category);
      const method = list(named(volumeItem.ContentSequence, '370129005')[0].ConceptCodeSequence)[0];
      expect(method.CodeValue).toBe('126030');
      expect(named(ContentSequence, '121106')[0].TextValue).toBe(options.warnings[0]);
    }
    const [side] = list(named(groups[0], '363698007')[0].ContentSequence);
    expect(list(side.ConceptCodeSequence)[0].CodeValue).toBe('7771000');
    const [evidence] = list(report.CurrentRequestedProcedureEvidenceSequence);
    const instances = list(evidence.ReferencedSeriesSequence).map(
      ({ ReferencedSOPSequence }) => list(ReferencedSOPSequence).length,
    );
    expect(instances).toEqual([1, series.files.length]);
    // No two segments share a tracking identifier, here or in another mask.
    const again = decode(Buffer.from(segmentationFile(labels, source, options).bytes));
    const uids = [segmentation, again].flatMap((one) =>
      list(one.SegmentSequence).map(({ TrackingUID }) => TrackingUID),
    );
    expect(new Set(uids).size).toBe(4);
  });

  it('says which model measured: one observer for one model and adapter, and their digests', async () => {
    const { labels, source } = await maskOf({});
    const reportBy = (adapter: string) => {
      const algorithm = { name: 'graft brain', version: '1.2.3', model: 'a'.repeat(64), adapter };
      const { reference } = segmentationFile(labels, source, { ...options, algorithm });
      return decode(Buffer.from(measurementReportFile(labels, source, reference, { ...options, algorithm })));
    };
    const observer = (report: Dataset) => named(report.ContentSequence, '121012')[0].UID;
    const [first, same, other] = ['b', 'b', 'c'].map((letter) => reportBy(letter.repeat(64)));
    expect(observer(first)).toBe(observer(same));
    expect(observer(first)).not.toBe(observer(other));
    const [volumeItem] = named(groupsIn(first)[0], '118565006');
    const said = (code: string) => named(volumeItem.ContentSequence, code).map(({ TextValue }) => TextValue);
    expect([said('111001'), said('111003'), said('111002')]).toEqual([
      ['graft brain'],
      ['1.2.3'],
      [`model ${'a'.repeat(64)}`, `adapter ${'b'.repeat(64)}`],
    ]);
  });
});

describeWithDcmtk('a measurement report, read by DCMTK', () => {
  it('has the tree of a Comprehensive SR, without a fault', async () => {
    const { labels, source } = await maskOf({});
    const { reference } = segmentationFile(labels, source, options);
    const file = join(root, 'report.sr.dcm');
    writeFileSync(file, measurementReportFile(labels, source, reference, options));
    const { status, text } = await tool('dsrdump', '-v', '+Pc', '+Pu', file);
    expect([status, text]).toEqual([0, expect.not.stringMatching(/^(W|E|F): (?!The VR checker does not support)/m)]);
    expect(text).toMatch(/UIDREF:\(112040,DCM,"Tracking Unique Identifier"\)="2\.25\.\d+"/);
    expect(text).toMatch(/NUM:\(118565006,SCT,"Volume"\)="[\d.]+" \(ml,UCUM,"milliliter"\)/);
  });
});
