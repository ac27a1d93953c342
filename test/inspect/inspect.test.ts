/** A folder looked at as a whole: what is in order is described, what is broken is named, and neither stops the other. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeInspection } from '../../src/cli/commands/data/describe-inspection.js';
import { writeVolume } from '../../src/data/index.js';
import { type Inspection, inspectFolder } from '../../src/jobs/index.js';
import { buildNifti, temporaryFolder } from '../data/nifti-fixtures.js';
import { writeSeries } from '../dicom/fixtures.js';
import { readPng } from './png.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

async function look(root: string, options: Parameters<typeof inspectFolder>[1] = {}): Promise<Inspection> {
  const work = inspectFolder(root, options);
  for (;;) {
    const { done, value } = await work.next();
    if (done) return value;
  }
}
const told = (inspection: Inspection) => describeInspection(inspection, Number.POSITIVE_INFINITY, (text) => text);

const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** A volume with a bright block, 1 mm voxels. */
function image(size = 16, scale = 1): Float32Array {
  return Float32Array.from({ length: size ** 3 }, (_, i) => scale * (i % 7) + (i % size > size / 2 ? 50 * scale : 0));
}
const label = (size = 16) => Uint8Array.from({ length: size ** 3 }, (_, i) => (i % size > size / 2 ? 1 : 0));
const put = (path: string, data: Float32Array | Uint8Array, affine = identity, size = 16) =>
  writeVolume(path, { data, shape: [size, size, size], affine });
const putBytes = (path: string, bytes: Uint8Array) => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, bytes);
};

describe('a data set with faults', () => {
  const root = at('set');
  let inspection: Inspection;
  /** What is said of a case. */
  const faultsOf = (name: string) => inspection.cases.find((one) => one.name === name)!.faults;

  beforeAll(async () => {
    const images = (site: string, name: string) => join(root, site, 'images', `${name}.nii.gz`);
    const labels = (site: string, name: string) => join(root, site, 'labels', `${name}.nii.gz`);
    for (const name of ['good', 'shifted-label', 'grey-label', 'empty-label', 'constant']) {
      put(images('one', name), name === 'constant' ? new Float32Array(16 ** 3).fill(7) : image());
      put(labels('one', name), label());
    }
    put(images('two', 'fine'), image(20, 300), identity, 20);
    put(labels('two', 'fine'), label(20), identity, 20);
    put(labels('one', 'shifted-label'), label(), [...identity.slice(0, 3), 4, ...identity.slice(4)]);
    put(labels('one', 'grey-label'), image(16, 0.7));
    put(labels('one', 'empty-label'), new Uint8Array(16 ** 3));

    putBytes(images('one', 'series'), buildNifti({ dims: [4, 3, 2, 5] }));
    const whole = buildNifti({ type: 'int16', dims: [8, 8, 8] });
    putBytes(images('one', 'truncated'), whole.subarray(0, 700));
    putBytes(images('one', 'text'), Buffer.from('this is no image'));
    const huge = buildNifti({ version: 2 });
    huge.writeBigInt64LE(60_000n, 24);
    huge.writeBigInt64LE(60_000n, 32);
    putBytes(images('two', 'huge'), huge);
    put(labels('two', 'orphan'), label());

    const before = process.memoryUsage().arrayBuffers;
    inspection = await look(root, { sheet: at('sheets', 'sheet.png') });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 28);
  });

  it.each([
    ['series', 'NIFTI_DIMENSIONS', /4 x 3 x 2 x 5/],
    ['truncated', 'NIFTI_TRUNCATED', /found 700/],
    ['text', 'NIFTI_EXPECTED', /text\.nii\.gz/],
    ['huge', 'NIFTI_TOO_LARGE', /60000 x 60000/],
    ['shifted-label', 'GRID_MISMATCH', /labels.*images/],
    ['grey-label', 'LABEL_VALUE', /labels/],
    ['constant', 'VOLUME_CONSTANT', /every voxel is 7/],
  ])('names %s', (name, code, message) => {
    expect(faultsOf(name)).toEqual([
      { code, message: expect.stringMatching(message), hint: expect.stringMatching(/\.$/) },
    ]);
  });

  it('names what the layout cannot place, and goes on', () => {
    expect(inspection.faults).toEqual([expect.objectContaining({ code: 'DATASET_LABEL_WITHOUT_IMAGE' })]);
    expect(inspection.cases).toHaveLength(10);
  });

  it('describes an image whose label is broken, and the sites by what can be read', () => {
    expect(inspection.cases.find(({ name }) => name === 'shifted-label')!.image).toMatchObject({ size: [16, 16, 16] });
    expect(inspection.sites.map(({ name, cases, labelled }) => [name, cases, labelled])).toEqual([
      ['one', 5, 3],
      ['two', 1, 1],
    ]);
    expect(inspection.sites[0].millilitres[1].greatest).toBeCloseTo((16 * 16 * 7) / 1000, 6);
    expect(inspection.warnings.map(({ topic }) => topic)).toEqual(
      expect.arrayContaining(['intensity', 'size', 'labels']),
    );
  });

  it('says all of it as text, with the lines of a recipe', () => {
    const text = told(inspection);
    expect(text).toMatch(/Broken \(8\):/);
    expect(text).toMatch(/in the recipe: {2}preprocessing\.size: \[24, 24\]\n +on graft train: --size 24,24\n/);
    expect(text).toMatch(/empty labels: one\/empty-label/);
    expect(text).toMatch(/10 cases at 2 sites; 3 in order, 4 with a label/);
    expect(text).toContain(`Contact sheet: ${at('sheets', 'sheet.png')}`);
    expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection);
  });

  it('has a place for every case on its contact sheet', () => {
    const { width, height, at: pixel } = readPng(readFileSync(at('sheets', 'sheet.png')));
    // Four tiles of three slices across; three rows of tiles and two headings down.
    expect(width).toBeGreaterThan(4 * 3 * 120);
    expect(height).toBeGreaterThan(4 * 120);
    const colours = new Set<string>();
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) colours.add(pixel(x, y).join());
    expect([...colours]).toEqual(expect.arrayContaining(['255,255,255', '230,159,0', '255,110,100']));
    expect(readdirSync(at('sheets'))).toEqual(['sheet.png']);
  });
});

describe('a folder that is no data set', () => {
  it('with volumes is a case for each, at the site of its folder', async () => {
    put(at('loose', 'monday', 'a.nii'), image());
    put(at('loose', 'b.nii.gz'), image());
    const { kind, cases, sheet } = await look(at('loose'));
    expect([kind, sheet]).toEqual(['volumes', null]);
    expect(cases.map(({ site, name }) => [site, name])).toEqual([
      ['loose', 'b'],
      ['monday', 'a'],
    ]);
  });

  it('without an image, or that is absent, is an error', async () => {
    mkdirSync(at('empty', 'inside'), { recursive: true });
    writeFileSync(at('empty', 'inside', 'notes.txt'), 'nothing');
    await expect(look(at('empty'))).rejects.toMatchObject({ code: 'DATASET_NO_SITES', exitCode: 3 });
    await expect(look(at('absent'))).rejects.toMatchObject({ code: 'DATASET_NOT_FOUND' });
  });
});

describe('one site in order', () => {
  it('has no warnings, and no sheet where none is wanted', async () => {
    for (const name of ['a', 'b']) {
      put(at('whole', 'here', 'images', `${name}.nii`), image());
      put(at('whole', 'here', 'labels', `${name}.nii`), label());
    }
    const inspection = await look(at('whole'));
    expect(inspection).toMatchObject({ kind: 'data set', warnings: [], faults: [], notes: [] });
    expect(told(inspection)).toContain('2 cases at 1 site; 2 in order, 2 with a label; 0 warnings.');
  });
});

describe('a folder of DICOM with faults', () => {
  it('describes what is whole, names what is not, and keeps paths to itself', async () => {
    process.env.XDG_CONFIG_HOME = at('config');
    const head = { slices: 8, rows: 20, columns: 16 };
    writeSeries(at('export', 'Meier Anna'), head);
    const change = (i: number) => (i === 4 ? undefined : { PatientID: 'another' });
    writeSeries(at('export', 'Huber Max'), { ...head, uid: '1.2.9', change });
    put(at('export', 'Meier Anna', 'converted.nii'), image());
    const inspection = await look(at('export'), { sheet: at('export.png') });
    expect(inspection.cases).toHaveLength(2);
    const [whole] = inspection.cases.filter(({ faults }) => faults.length === 0);
    expect([whole.image!.unit, whole.volumes]).toEqual(['HU', 1]);
    const [broken] = inspection.cases.filter(({ faults }) => faults.length > 0);
    expect([broken.image, broken.volumes]).toEqual([undefined, 0]);
    expect(broken.faults.map(({ code }) => code)).toEqual(['DICOM_SLICES_MISSING']);
    expect(inspection.notes.map(({ code }) => code)).toEqual(['DICOM_OTHER_FILES']);
    const text = told(inspection);
    expect(text).toMatch(/CT {2,}ACME {2,}Ring 5/);
    expect(text).toContain('2 series of 2 patients; 1 in order');
    expect(JSON.stringify({ ...inspection, notes: [] }) + text.split('Left alone')[0]).not.toMatch(/Meier|Huber/);
    expect(readPng(readFileSync(at('export.png'))).width).toBeGreaterThan(700);
  });
});

const series = join(import.meta.dirname, '../../../shared/data/dicom');
describe.skipIf(!existsSync(series))('a folder of DICOM', () => {
  it('lists scanners and series, by pseudonyms, and draws them', async () => {
    process.env.XDG_CONFIG_HOME = at('config');
    const inspection = await look(series, { sheet: at('dicom.png') });
    expect(inspection.kind).toBe('DICOM');
    const found = inspection.cases.flatMap((one) => (one.series ? [{ ...one, ...one.series }] : []));
    expect(found.length).toBeGreaterThan(4);
    for (const { patient, name, image: facts, size } of found) {
      expect(name).toMatch(/^patient-[0-9a-f]{8}\/\d+-[0-9a-f]{8}$/);
      expect(name.startsWith(patient)).toBe(true);
      expect([...facts!.size].sort()).toEqual([...size].sort());
    }
    expect(found.map(({ site }) => site)).toContain('MR Philips Medical Systems Achieva dStream 3 T');
    expect(JSON.stringify(found)).not.toContain(series);
    expect(told(inspection)).toMatch(/series of \d+ patients/);
    expect(readPng(readFileSync(at('dicom.png'))).height).toBeGreaterThan(500);
  });
});
