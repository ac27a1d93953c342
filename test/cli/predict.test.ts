/** What a user relies on in `graft predict`: doubt where an image is nothing the model knows, and that nothing is lost. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, it } from 'vitest';
import { trainingSchema } from '../../src/adapt/index.js';
import {
  generatePhantoms,
  preprocessingSchema,
  readDataset,
  readVolume,
  scanDicom,
  siteOf,
  writeVolume,
} from '../../src/data/index.js';
import { progressOf, segmentImages, trainModel } from '../../src/jobs/index.js';
import { readState, writeState } from '../../src/nn/index.js';
import { saveSegmenter } from '../../src/segmenter/index.js';
import { noGrad, setThreads } from '../../src/torch/index.js';
import { decode, key, temporaryFolder, writeSeries } from '../dicom/fixtures.js';
import { graft } from './graft.js';

setThreads(1);
const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
const env = { XDG_CONFIG_HOME: at('config') };
const [source, target] = ['siemens-t1', 'ge-t1'] as const;
const images = (site: string) =>
  readdirSync(at('data', site, 'images')).map((name) => at('data', site, 'images', name));

function predict(args: string[], model = 'model.safetensors') {
  const { status, stdout, stderr } = graft(['predict', at(model), ...args, '--device', 'cpu'], { env });
  return { status, stdout, stderr, text: stdout + stderr };
}
/** The result, which is the last line with --json. */
const json = (args: string[], model?: string) => {
  const { status, stdout } = predict([...args, '--json', '--quiet'], model);
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(1);
  return { status, ...JSON.parse(lines[0]) };
};
const table = (folder: string) =>
  parse(readFileSync(at(folder, 'volumes.csv')), { columns: true }) as Record<string, string>[];

beforeAll(async () => {
  const dataset = generatePhantoms(at('data'), { cases: 3, spacing: 8, scanners: [source, target] });
  const training = trainingSchema.parse({ epochs: 4, headEpochs: 4, batch: 4, lr: 0.02 });
  const preprocessing = preprocessingSchema.parse({ spacing: 8, size: [32, 32] });
  const job = {
    ...{
      task: 'train',
      train: siteOf(dataset, source).cases,
      validation: [],
      classes: ['=brain'],
      preprocessing,
      training,
    },
    ...{ network: 'unet2d', architecture: { filters: 4 } },
    ...{ seed: 1, toleranceMm: 2, device: 'cpu', checkpoint: at('job') },
  };
  const events = progressOf(trainModel(job));
  let step = await events.next();
  while (!step.done) step = await events.next();
  const model = step.value;
  saveSegmenter(at('model.safetensors'), model);
  // As files were before: no profile, no names.
  const { state, metadata } = readState(at('model.safetensors'));
  const { profile, classes, family, windows, ...before } = metadata;
  writeState(at('before.safetensors'), state, before);
  noGrad(() => model.network.state().get('out_path.2.bias')!.fill_(-100));
  saveSegmenter(at('nothing.safetensors'), model);

  // A corner of a head, as a model of heads never saw it.
  const { data, shape, affine } = readVolume(images(source)[0]);
  const corner = Float32Array.from({ length: 64 }, (_, i) => {
    const [z, y, x] = [i >> 4, (i >> 2) & 3, i & 3].map((k, axis) => k + (shape[axis] >> 1) - 2);
    return data[(z * shape[1] + y) * shape[2] + x] + (i % 7);
  });
  mkdirSync(at('crops'));
  writeVolume(at('crops', 'crop.nii.gz'), { data: corner, shape: [4, 4, 4], affine });
});

describe('a model is asked about', () => {
  it('its source and another scanner: nothing is doubted', () => {
    for (const site of [source, target]) {
      const { status, masks, unchecked } = json([at('data', site), '--out', at(`plain-${site}`), '--strict']);
      expect({ status, unchecked }).toEqual({ status: 0, unchecked: [] });
      expect(masks.map(({ image }: { image: string }) => image)).toEqual(images(site));
      expect(masks.flatMap(({ warnings }: { warnings: string[] }) => warnings)).toEqual([]);
      expect(readdirSync(at(`plain-${site}`)).filter((name) => name.endsWith('.json'))).toEqual([]);
    }
  });

  it('a crop: which measures are off, and by how much, on stdout, beside the mask and in the table', () => {
    const { status, stdout } = predict([at('crops'), '--out', at('doubted')]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/warning: a field of view of \d+ mm from .*, source cases \d+/);
    expect(stdout).toMatch(/warning: segmented .* ml, source cases \d+ to \d+ ml/);
    expect(stdout).toContain('not to be trusted unseen: 1 of 1');
    const { warnings } = JSON.parse(readFileSync(at('doubted', 'crop.warnings.json'), 'utf8'));
    expect(warnings.length).toBeGreaterThanOrEqual(2);
    expect(table('doubted')[0].warnings).toBe(warnings.join('; '));
    expect(predict([at('crops'), '--out', at('doubted'), '--overwrite', '--strict']).status).toBe(7);
  });

  it('anything, when its file says little of its source: what is known is compared, and the rest is named once', () => {
    const { status, masks, unchecked } = json(
      [at('crops'), ...images(source), '--out', at('old')],
      'before.safetensors',
    );
    expect(status).toBe(0);
    expect(unchecked).toEqual(['how far it reaches', 'spacing', 'field of view', 'intensity']);
    const doubted = masks.filter(({ warnings }: { warnings: string[] }) => warnings.length > 0);
    expect(doubted).toMatchObject([{ warnings: [expect.stringMatching(/^segmented .* source cases/)] }]);
    expect(Object.keys(masks[0].volumesMl)).toEqual(['class 1']);
    const { stdout } = predict([...images(source), '--out', at('old2')], 'before.safetensors');
    expect(stdout.match(/not compared with the model’s source/g)).toHaveLength(1);
  });
});

describe('what lies in the folder for the masks', () => {
  const folder = () => at('data', source);

  it('is refused before anything is computed, kept, or made anew, as is asked', () => {
    const first = json([folder(), '--out', at('masks')]);
    const file = at('masks', 'patient02.nii.gz');
    const mask = readFileSync(file);
    rmSync(at('masks', 'patient03.nii.gz'));
    writeFileSync(file, 'something else');
    expect(json([folder(), '--out', at('masks')])).toMatchObject({
      status: 2,
      error: { code: 'MASKS_EXIST', message: expect.stringMatching(/already: 2, the first is .*patient01/) },
    });
    expect(json([folder(), '--out', at('masks'), '--skip-existing'])).toMatchObject({
      status: 0,
      masks: [{ mask: at('masks', 'patient03.nii.gz') }],
      skipped: [at('masks', 'patient01.nii.gz'), file],
    });
    expect(readFileSync(file, 'utf8')).toBe('something else');
    expect(json([folder(), '--out', at('masks'), '--overwrite']).masks).toEqual(first.masks);
    expect(readFileSync(file)).toEqual(mask);
    expect(table('masks').map((line) => line.mask)).toEqual([
      'patient01.nii.gz',
      'patient02.nii.gz',
      'patient03.nii.gz',
    ]);
    const both = json([folder(), '--out', at('masks'), '--overwrite', '--skip-existing']);
    expect(both).toMatchObject({ status: 2, error: { code: 'OPTION_INVALID' } });
  });

  it('is never an image, nor a table of someone else', () => {
    mkdirSync(at('own'));
    copyFileSync(images(source)[0], at('own', 'a.nii.gz'));
    expect(json([at('own'), '--out', at('own'), '--overwrite'])).toMatchObject({
      ...{ status: 2, error: { code: 'MASK_OVER_IMAGE' } },
    });
    mkdirSync(at('taken'));
    writeFileSync(at('taken', 'volumes.csv'), 'name,dose\nx,1\n');
    expect(json([at('own'), '--out', at('taken')])).toMatchObject({ status: 2, error: { code: 'VOLUMES_FOREIGN' } });
    expect(readdirSync(at('taken'))).toEqual(['volumes.csv']);
  });

  it('gathers a line for each mask over several commands, with cells that no spreadsheet runs', () => {
    for (const image of images(target)) expect(predict([image, '--out', at('one-by-one')]).status).toBe(0);
    const raw = readFileSync(at('one-by-one', 'volumes.csv'), 'utf8');
    expect(raw.split('\n')[0]).toBe("image,mask,segmented ml,'=brain ml,warnings");
    const lines = table('one-by-one');
    expect(lines.map(({ image }) => image)).toEqual(images(target));
    for (const line of lines) expect(Number(line["'=brain ml"])).toBeGreaterThan(10);
    rmSync(at('one-by-one', 'patient01.nii.gz'));
    predict([images(target)[1], '--out', at('one-by-one'), '--overwrite']);
    expect(table('one-by-one').map(({ mask }) => mask)).toEqual(['patient02.nii.gz', 'patient03.nii.gz']);
  });
});

describe('several images', () => {
  it('of which one is broken: the others have masks, and the broken one is named', () => {
    mkdirSync(at('mixed'));
    for (const [i, image] of images(source).entries()) copyFileSync(image, at('mixed', `${i}.nii.gz`));
    writeFileSync(at('mixed', '0.nii.gz'), 'no volume');
    const { status, masks, failures } = json([at('mixed'), '--out', at('mixed-masks')]);
    expect(status).toBe(3);
    expect(masks.map(({ mask }: { mask: string }) => mask)).toEqual(
      [1, 2].map((i) => at('mixed-masks', `${i}.nii.gz`)),
    );
    expect(failures).toMatchObject([{ image: at('mixed', '0.nii.gz'), message: expect.stringContaining('0.nii.gz') }]);
  });

  it('are told one by one, as each is made', () => {
    const { stdout } = predict([at('data', target), '--out', at('told')]);
    const told = stdout.split('\n').filter((line) => /^\S+\.nii\.gz {2}\d+\.\d ml$/.test(line));
    expect(told).toHaveLength(3);
    const lines = predict([at('data', target), '--out', at('told'), '--overwrite', '--json'])
      .stdout.trim()
      .split('\n');
    const results = lines.map((line) => JSON.parse(line).progress).filter((event) => event?.kind === 'result');
    expect(results.map(({ value }) => value)).toEqual(JSON.parse(lines.at(-1)!).masks);
  });

  it('may be NIfTI files and DICOM series in one folder, with endings in capitals', () => {
    writeSeries(at('both', 'series'), { slices: 6, rows: 24, columns: 24, pixelSpacing: [8, 8], spacing: 8 });
    copyFileSync(images(source)[0], at('both', 'UPPER.NII.GZ'));
    const { status, masks, notes } = json([at('both'), at('both', 'UPPER.NII.GZ'), '--out', at('both-masks')]);
    expect({ status, notes }).toEqual({ status: 0, notes: [] });
    expect(masks.map(({ mask }: { mask: string }) => mask.split('/').at(-1))).toEqual([
      'UPPER.nii.gz',
      expect.stringMatching(/^patient-[\w-]+\.nii\.gz$/),
    ]);
  });

  it('of a folder without any: what was looked for', () => {
    mkdirSync(at('none'));
    writeFileSync(at('none', 'notes.txt'), 'none');
    expect(json([at('none'), '--out', at('never')])).toMatchObject({ status: 3, error: { code: 'IMAGES_NONE' } });
  });
});

describe('a DICOM-SEG', () => {
  const series = () => [at('ct'), '--format', 'dicom-seg'];

  it('of nothing is not written unless asked for, and takes none of an earlier command along', () => {
    writeSeries(at('ct'), { slices: 6, rows: 24, columns: 24, pixelSpacing: [8, 8], spacing: 8 });
    const refused = json([...series(), '--out', at('segs')], 'nothing.safetensors');
    expect(refused).toMatchObject({
      status: 0,
      masks: [{ mask: null, segmentedMl: 0, warnings: [expect.any(String)] }],
    });
    expect(readdirSync(at('segs'))).toEqual(['graft-audit.jsonl', 'volumes.csv']);
    expect(table('segs')).toMatchObject([{ mask: '', 'segmented ml': '0.000' }]);
    const asked = json([...series(), '--out', at('segs'), '--empty'], 'nothing.safetensors');
    const [{ mask, warnings }] = asked.masks;
    expect(decode(readFileSync(mask)).ImageComments).toContain(warnings[0]);
    json([...series(), '--out', at('segs'), '--overwrite'], 'nothing.safetensors');
    expect(existsSync(mask)).toBe(false);
  });

  it('of slices that were interpolated is refused before the model runs, and the other series are segmented', async () => {
    const even = { slices: 6, rows: 24, columns: 24, pixelSpacing: [8, 8] as [number, number], spacing: 8 };
    writeSeries(at('mixed', 'even'), { ...even, uid: '1.2.3.5' });
    const position = (i: number) => [0, 0, i < 3 ? 8 * i : 24 + 20 * (i - 3)];
    writeSeries(at('mixed', 'uneven'), { ...even, uid: '1.2.3.4', position });
    const sources = scanDicom(at('mixed'), { key }).series.map((series) => ({
      ...{ name: `${series.patient}_${series.series}`, path: undefined, series },
    }));
    expect(sources).toHaveLength(2);
    const asked: string[] = [];
    const outputs = { out: at('refused'), format: 'dicom-seg', existing: 'refuse' } as const;
    const work = segmentImages(sources, {
      ...{ ...outputs, classes: ['brain'], empty: true },
      // biome-ignore lint/correctness/useYield: nothing here takes long
      segment: function* ({ path, data }) {
        asked.push(path);
        return { labels: new Uint8Array(data.length), volumesMl: [0], warnings: [] };
      },
    });
    let step = await work.next();
    while (!step.done) step = await work.next();
    const { masks, failures } = step.value;
    expect(masks.map(({ image }) => image)).toEqual(asked);
    expect(asked).toHaveLength(1);
    expect(failures).toMatchObject([{ error: { code: 'DICOM_SEG_GEOMETRY' } }]);

    const told = json([at('mixed'), '--format', 'dicom-seg', '--empty', '--out', at('told')]);
    expect(told).toMatchObject({
      status: 3,
      masks: [{ segmentedMl: expect.any(Number) }],
      failures: [{ code: 'DICOM_SEG_GEOMETRY' }],
    });
  });
});

describe('names of other programs', () => {
  const two = () => images(source).slice(0, 2);
  const copied = (folder: string, names: string[]) => {
    mkdirSync(at(folder));
    return names.map((name, i) => {
      copyFileSync(two()[i], at(folder, `${name}.nii.gz`));
      return at(folder, `${name}.nii.gz`);
    });
  };

  it('are nnU-Net’s: without the number of the channel, with a dataset.json of the classes', () => {
    copied('channels', ['head_001_0000', 'head_002_0000']);
    const { status } = json([at('channels'), '--format', 'nnunet', '--out', at('nnunet')]);
    expect(status).toBe(0);
    expect(readdirSync(at('nnunet')).filter((name) => /nii|json$/.test(name))).toEqual([
      ...['dataset.json', 'head_001.nii.gz', 'head_002.nii.gz'],
    ]);
    const { labels, file_ending } = JSON.parse(readFileSync(at('nnunet', 'dataset.json'), 'utf8'));
    expect({ labels, file_ending }).toEqual({ labels: { background: 0, '=brain': 1 }, file_ending: '.nii.gz' });
    copyFileSync(two()[0], at('channels', 'head_001_0001.nii.gz'));
    expect(json([at('channels'), '--format', 'nnunet', '--out', at('nnunet2')]).error.code).toBe('SAME_NAME');
    writeFileSync(at('nnunet', 'dataset.json'), '{}');
    expect(json([two()[0], '--format', 'nnunet', '--out', at('nnunet')]).error.code).toBe('DESCRIPTION_OTHER');
  });

  it('are a derivative of BIDS, which is read with its images again', () => {
    const files = copied('bids', ['sub-01_ses-1_T1w', 'sub-02_T1w']);
    const masks = [
      'sub-01/ses-1/anat/sub-01_ses-1_space-T1w_desc-graft_dseg.nii.gz',
      'sub-02/anat/sub-02_space-T1w_desc-graft_dseg.nii.gz',
    ];
    const out = at('raw', 'derivatives', 'graft');
    expect(json([...files, '--format', 'bids', '--out', out]).status).toBe(0);
    expect(table(join('raw', 'derivatives', 'graft')).map(({ mask }) => mask)).toEqual(masks);
    expect(JSON.parse(readFileSync(join(out, 'dataset_description.json'), 'utf8'))).toMatchObject({
      ...{ DatasetType: 'derivative', GeneratedBy: [{ Name: 'graft' }] },
    });
    expect(readFileSync(join(out, 'desc-graft_dseg.tsv'), 'utf8')).toBe('index\tname\n0\tbackground\n1\t=brain\n');
    for (const [i, folder] of [join('sub-01', 'ses-1', 'anat'), join('sub-02', 'anat')].entries()) {
      mkdirSync(at('raw', folder), { recursive: true });
      copyFileSync(files[i], at('raw', folder, basename(files[i])));
    }
    writeFileSync(at('raw', 'dataset_description.json'), '{}');
    const { sites } = readDataset(at('raw'));
    expect(sites.flatMap(({ cases }) => cases).map(({ label }) => label)).toEqual(masks.map((mask) => join(out, mask)));
    expect(json([...files, '--format', 'bids', '--out', out]).error.code).toBe('MASKS_EXIST');
    expect(json([...files, '--format', 'bids', '--out', out, '--skip-existing']).skipped).toHaveLength(2);
    expect(json([two()[0], '--format', 'bids', '--out', at('other')]).error.code).toBe('BIDS_NAME');
  });
});
