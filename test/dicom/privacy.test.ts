/**
 * Nothing that a header tells of a patient is in what graft writes or says: converted files, masks, contact sheets, a whole
 * run's folder, and every line on stdout and stderr. The exception is a DICOM-SEG, which belongs to the patient's study.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';

import { preprocessingSchema, readVolume, writeMask } from '../../src/data/index.js';
import { saveSegmenter } from '../../src/segmenter/index.js';
import { setThreads } from '../../src/torch/index.js';
import { graft } from '../cli/graft.js';
import { unetSegmenter } from '../segmenters.js';
import { recipe } from '../studies/tiny.js';
import { decode, type SeriesOptions, temporaryFolder, writeCodedSeries, writeSeries } from './fixtures.js';

setThreads(1);
const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
const env = { XDG_CONFIG_HOME: at('config') };

/** All that the command says. */
function say(args: string[], expected = 0) {
  const { status, stdout, stderr } = graft(args, { env });
  expect([status, stderr.includes('    at ')], stdout + stderr).toEqual([expected, false]);
  return { text: stdout + stderr, json: () => JSON.parse(stdout.trim().split('\n').at(-1)!) };
}

const secret = /PLANTED|19440229|20240101|101112|3680043/i;

/** Files below a folder with a secret in their name or content (unpacked). */
function leaks(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(0);
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return paths
    .filter((path) => {
      const stored = readFileSync(path);
      const bytes = path.endsWith('.gz') ? gunzipSync(stored) : stored;
      const wide = bytes.toString('utf16le');
      return secret.test(relative(folder, path)) || secret.test(bytes.toString('latin1')) || secret.test(wide);
    })
    .map((path) => relative(folder, path));
}

const head: SeriesOptions = { slices: 6, rows: 24, columns: 24, pixelSpacing: [8, 8], spacing: 8 };

function exportPatient(folder: string, patient: number): void {
  const study = `1.2.826.0.1.3680043.8.498.4711.${patient}`;
  writeSeries(join(folder, `PLANTED^NAME ${patient}`), {
    ...head,
    uid: `${study}.1`,
    name: (i) => `PLANTED-ID-4711-${i}.dcm`,
    change: () => ({ PatientID: `PLANTED-ID-4711-${patient}`, StudyInstanceUID: study }),
  });
}

/** The tests' tiny experiment, on the converted volumes. */
function writeTiny(): string {
  const data = `data: { root: ${JSON.stringify(at('data'))} }`;
  const text = recipe
    .replace(/data:\n.*phantom.*/, data)
    .replaceAll('siemens-t1', 'one')
    .replaceAll('philips-t2', 'two');
  expect(text).toContain(data);
  writeFileSync(at('tiny.yaml'), text);
  return at('tiny.yaml');
}

beforeAll(() => {
  for (const [s, site] of ['one', 'two'].entries())
    for (let patient = 0; patient < 4; patient++) exportPatient(at('export', site), 10 * s + patient);
  const model = unetSegmenter(
    { inChannels: 1, outChannels: 1, filters: 2 },
    { preprocessing: preprocessingSchema.parse({ spacing: 8, size: [32, 32] }) },
  );
  model.initialise(1);
  saveSegmenter(at('model.safetensors'), model);
});

describe('no identifier is in', () => {
  it('converted volumes and a run on them', () => {
    for (const site of ['one', 'two']) {
      const { text } = say(['data', 'convert', at('export', site), '--out', at('data', site, 'images')]);
      expect(text).not.toMatch(secret);
      const images = readdirSync(at('data', site, 'images')).filter((name) => name.endsWith('.nii.gz'));
      expect(images).toHaveLength(4);
      for (const image of images) {
        const { data, grid } = readVolume(at('data', site, 'images', image));
        mkdirSync(at('data', site, 'labels'), { recursive: true });
        const bright = Uint8Array.from(data, (value) => (value > -400 && value < 800 ? 1 : 0));
        writeMask(at('data', site, 'labels', image), bright, grid);
      }
    }
    expect(leaks(at('data'))).toEqual([]);

    const { status, stdout, stderr } = graft(['run', writeTiny(), '--out', at('run')], { env });
    expect(status, stdout + stderr).toBe(0);
    expect(stdout + stderr).not.toMatch(secret);
    expect(leaks(at('run'))).toEqual([]);
  });

  it('masks', () => {
    const { text } = say(['predict', at('model.safetensors'), at('export'), '--out', at('masks'), '--device', 'cpu']);
    expect(text).not.toMatch(secret);
    expect(readdirSync(at('masks')).filter((name) => name.endsWith('.nii.gz'))).toHaveLength(8);
    expect(leaks(at('masks'))).toEqual([]);
  });

  it('the name of a DICOM-SEG or what is said of it; inside it names its patient', () => {
    const seg = ['--format', 'dicom-seg', '--report', '--empty', '--out', at('seg'), '--device', 'cpu'];
    const { text } = say(['predict', at('model.safetensors'), at('export', 'one'), ...seg]);
    expect(text).not.toMatch(secret);
    const all = readdirSync(at('seg')).filter((name) => name.endsWith('.dcm'));
    const files = all.filter((name) => !name.endsWith('.sr.dcm'));
    expect([files.length, all.length]).toEqual([4, 8]);
    for (const file of files) {
      expect(file).toMatch(/^patient-[0-9a-f]{8}_003-[0-9a-f]{8}\.dcm$/);
      const seg = decode(readFileSync(at('seg', file)));
      expect(seg.PatientID).toMatch(/^PLANTED-ID-4711-\d$/);
      const model = createHash('sha256')
        .update(readFileSync(at('model.safetensors')))
        .digest('hex');
      expect(JSON.stringify(seg.SegmentSequence)).toContain(`model ${model}`);
      const report = decode(readFileSync(at('seg', file.replace('.dcm', '.sr.dcm'))));
      expect(report.PatientID).toBe(seg.PatientID);
      expect(JSON.stringify(report.ContentSequence)).toContain(String(seg.SOPInstanceUID));
    }
    const [folder] = readdirSync(at('export', 'one'));
    const contours = ['--format', 'rtstruct', '--empty', '--out', at('rt'), '--device', 'cpu'];
    say(['predict', at('model.safetensors'), at('export', 'one', folder), ...contours]);
    const [drawn, ...others] = readdirSync(at('rt')).filter((name) => name.endsWith('.dcm'));
    expect([drawn.replace(/.*_003-[0-9a-f]{8}/, ''), others]).toEqual(['.rtstruct.dcm', []]);
    expect(decode(readFileSync(at('rt', drawn))).Modality).toBe('RTSTRUCT');
  });

  it('de-identified images, their report, or what is said of them', () => {
    const { text, json } = say(['data', 'deidentify', at('export', 'one'), at('shared'), '--json']);
    expect(text).not.toMatch(secret);
    expect(json()).toMatchObject({ patients: 4, series: 4, written: 24, problems: [] });
    expect(leaks(at('shared'))).toEqual([]);
    expect(readdirSync(at('shared'))).toContain('deidentification.json');
    const { text: refusal } = say(['data', 'deidentify', at('export', 'one'), at('export', 'one', 'out')], 2);
    expect(refusal).toContain('lies inside the folder');
  });

  it('what is said of damaged files', () => {
    exportPatient(at('damaged'), 20);
    exportPatient(at('damaged'), 21);
    const series = at('damaged', 'PLANTED^NAME 21');
    for (const [i, file] of readdirSync(series).entries()) if (i > 3) truncateSync(join(series, file), 400 + 50 * i);
    const { text } = say(['data', 'convert', at('damaged'), '--out', at('converted')], 3);
    expect(text).toContain('could not be read');
    expect(text).not.toMatch(secret);
  });

  it('a path, in letters of any script: nothing that any command says names the patient', () => {
    const umlauts = Buffer.from('Müstermann^Mäx=李^威');
    for (const folder of ['Müstermann', 'mustermann_max', '李威', 'MUESTERMANN'])
      writeCodedSeries(
        at('paths', folder, 's'),
        ['ISO_IR 192'],
        { PatientName: umlauts },
        { slices: 2, uid: `1.2.${folder.length}` },
      );
    for (const folder of readdirSync(at('paths'))) writeFileSync(at('paths', folder, 'note.txt'), 'a note');
    truncateSync(at('paths', '李威', 's', 'IM0001'), 1100);
    const named = /m(ü|u|ue|u\u0308)stermann|李|威/i;
    for (const [args, status] of [
      [['data', 'convert', at('paths'), '--out', at('paths-out')], 3],
      [['data', 'inspect', at('paths'), '--json', '--sheet', 'none'], 3],
      [['data', 'inspect', at('paths', 'Müstermann'), '--json', '--sheet', 'none'], 0],
      [['data', 'check', 'auto', '--root', at('paths')], 3],
      [['predict', at('model.safetensors'), at('paths'), '--out', at('paths-masks'), '--device', 'cpu'], 0],
    ] as [string[], number][])
      expect(say(args, status).text).not.toMatch(named);
  });

  it('an inspection and its contact sheet', () => {
    for (const format of [[], ['--json']]) {
      const { text } = say(['data', 'inspect', at('damaged'), '--sheet', at('sheet', 'sheet.png'), ...format], 3);
      expect(text).toMatch(/patient-[0-9a-f]{8}/);
      expect(text).not.toMatch(secret);
    }
    expect(leaks(at('sheet'))).toEqual([]);
  });
});

describe('graft predict', () => {
  it('goes on where one series of a folder cannot be used, and says which', () => {
    exportPatient(at('mixed'), 30);
    writeSeries(at('mixed', 'gap'), { ...head, slices: 12, uid: '1.2.9', change: (i) => (i === 5 ? undefined : {}) });
    const args = ['predict', at('model.safetensors'), at('mixed'), '--out', at('mixed-masks'), '--device', 'cpu'];
    const { masks, failures } = say([...args, '--json', '--quiet'], 3).json();
    expect(masks).toHaveLength(1);
    expect(failures).toMatchObject([{ code: 'DICOM_SLICES_MISSING' }]);
    expect(readdirSync(at('mixed-masks')).filter((name) => name.endsWith('.nii.gz'))).toHaveLength(1);
  });

  it('codes the classes of a DICOM-SEG as a file says, and passes over NIfTI files beside the series', () => {
    writeFileSync(at('mixed', 'PLANTED^NAME.nii.gz'), 'no image');
    writeFileSync(
      at('codes.yaml'),
      "classes: [{ name: class 1, code: { value: '41216001', meaning: Prostate }, colour: '#ffffff' }]",
    );
    const args = ['predict', at('model.safetensors'), at('mixed'), '--out', at('coded'), '--device', 'cpu', '--empty'];
    const { text } = say([...args, '--format', 'dicom-seg', '--codes', at('codes.yaml')], 3);
    expect(text).not.toMatch(secret);
    const [file] = readdirSync(at('coded')).filter((name) => name.endsWith('.dcm'));
    expect(JSON.stringify(decode(readFileSync(at('coded', file))).SegmentSequence)).toContain('41216001');
    expect(say([...args, '--codes', at('codes.yaml')], 2).text).toContain('--codes is for --format dicom-seg');
  });

  it('writes no DICOM-SEG for a NIfTI file', () => {
    const args = ['predict', at('model.safetensors'), at('scan.nii.gz'), '--format', 'dicom-seg', '--out', at('none')];
    expect(say([...args, '--json', '--quiet'], 2).json().error.code).toBe('DICOM_SEG_SOURCE');
    mkdirSync(at('of-nifti'));
    writeFileSync(at('of-nifti', 'scan.nii.gz'), '');
    args[2] = at('of-nifti');
    expect(say([...args, '--json', '--quiet'], 2).json().error.code).toBe('DICOM_SEG_SOURCE');
    expect(existsSync(at('none'))).toBe(false);
  });
});
