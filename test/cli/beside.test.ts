/** What train and adapt leave beside their result: a log, a page, scores, and TensorBoard where it is asked for. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sha256 } from '../../src/core/index.js';
import { generatePhantoms, readLabel, readVolume } from '../../src/data/index.js';
import { evaluateLabels } from '../../src/metrics/index.js';
import { readPageFile } from '../../src/report/index.js';
import { loadAdapter, loadSegmenter, segmentVolume } from '../../src/segmenter/index.js';
import { setThreads } from '../../src/torch/index.js';
import { graftUntil, lastLine } from '../studies/tiny.js';

setThreads(1);
let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const done = async (...args: string[]) => {
  const ended = await graftUntil(args);
  expect(ended.status, ended.stdout + ended.stderr).toBe(0);
  return lastLine(ended);
};
const records = (file: string) =>
  readFileSync(at(file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const text = (file: string) => readFileSync(at(file), 'utf8');
const pageOf = (file: string) => readPageFile(text(file))!;
let trained: ReturnType<typeof lastLine>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-beside-'));
  generatePhantoms(at('data'), { seed: 1, cases: 4, spacing: 8, scanners: ['siemens-t1', 'philips-t2'] });
  const small = [
    '--filters',
    '2',
    '--spacing',
    '8',
    '--size',
    '32,32',
    '--epochs',
    '2',
    '--head-epochs',
    '1',
    '--batch',
    '4',
  ];
  const out = ['--out', at('model.safetensors'), '--device', 'cpu', '--classes', 'brain'];
  trained = await done(
    'train',
    at('data'),
    '--site',
    'siemens-t1',
    ...out,
    ...small,
    '--test',
    '0.25',
    '--tensorboard',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('graft train', () => {
  it('scores the model on cases kept from training, by class', () => {
    const { on, toleranceMm, models } = trained.scores;
    expect({ on, toleranceMm }).toEqual({ on: '1 case kept from training', toleranceMm: 2 });
    const [{ name }] = trained.split.test;
    const [image, label] = ['images', 'labels'].map((kind) => at('data', 'siemens-t1', kind, `${name}.nii.gz`));
    const truth = readLabel(label);
    const mask = segmentVolume(loadSegmenter(at('model.safetensors')), readVolume(image));
    const { dice, surfaceDice } = evaluateLabels(truth.data, mask, { ...truth, classes: [1], toleranceMm: 2 })[1];
    expect(models[0].classes[0].name).toBe('brain');
    expect(models[0].classes[0].dice).toBeCloseTo(dice, 6);
    expect(models[0].classes[0].surfaceDice).toBeCloseTo(surfaceDice, 6);
  });

  it('finds a case without a label before training, also one that is only scored', async () => {
    const { name } = trained.split.test[0];
    cpSync(at('data', 'siemens-t1'), at('partly', 'siemens-t1'), { recursive: true });
    rmSync(at('partly', 'siemens-t1', 'labels', `${name}.nii.gz`));
    const out = ['--out', at('never.safetensors'), '--test', '0.25', '--device', 'cpu'];
    const ended = await graftUntil(['train', at('partly'), '--site', 'siemens-t1', ...out]);
    expect(lastLine(ended).error).toMatchObject({
      code: 'TRAINING_UNLABELLED',
      message: expect.stringContaining(name),
    });
    expect(ended.stdout).not.toContain('"task"');
  });

  it('logs epochs and scores, and writes event files', () => {
    const kinds = records('model.metrics.jsonl').map(({ kind, task }) => [kind, task].filter(Boolean).join(' '));
    expect(kinds).toEqual(['job', 'epoch network', 'epoch network', 'epoch early heads', 'score']);
    const events = readdirSync(at('model.tensorboard'), { recursive: true }).map(String);
    expect(events.filter((name) => name.includes('tfevents')).length).toBeGreaterThanOrEqual(3);
  });

  it('writes one page with scores, curves, a picture, the command, every setting and digests, but no name of a case', () => {
    const page = pageOf('model.report.html');
    expect(page.title).toBe('Training of a U-Net');
    expect(page.headline!.sentence).toContain('1 case kept from training');
    expect(page.curves![0].charts.map(({ title }) => title)).toEqual(['Loss', 'Dice on validation cases']);
    const [{ dice }] = trained.scores.models[0].classes;
    expect(page.cases!.rows).toMatchObject([{ site: 'siemens-t1', name: 'case 1' }]);
    expect([page.comparison!.measure, page.further![0].groups[0].rows[0].mean]).toEqual(['surfaceDice', dice]);
    const [{ title, panels }] = page.images!.groups;
    expect([title, panels[0].caseName, panels[0].slices.length]).toEqual(['siemens-t1', 'case 1', 3]);
    const { command, settings, files } = page.provenance!;
    expect(command).toMatch(/^graft train .*--filters 2/);
    expect(settings).toContainEqual(['training.augmentation.contrast', '0']);
    expect(files).toEqual([{ name: 'model.safetensors', sha256: sha256(at('model.safetensors')) }]);
    expect(text('model.report.html')).not.toMatch(/patient0\d/);
    expect(text('model.report.html')).not.toContain(folder);
    expect(trained.digests.outputs).toEqual({ [at('model.safetensors')]: sha256(at('model.safetensors')) });
  });
});

describe('graft adapt', () => {
  const adapt = (out: string, ...more: string[]) => {
    const options = ['--epochs', '1', '--batch', '4', '--device', 'cpu', '--no-guard', '--out', at(out)];
    return ['adapt', at('model.safetensors'), at('data'), '--site', 'philips-t2', ...options, ...more];
  };

  it('shows what the selection saw and reads no label, unless it is asked to score', async () => {
    const plain = await done(...adapt('plain.safetensors'));
    expect(plain.scores).toBeUndefined();
    const page = pageOf('plain.report.html');
    expect([page.cases, page.comparison]).toEqual([undefined, undefined]);
    expect(page.selections).toMatchObject([
      {
        ...{ place: 'seed 1, philips-t2', method: 'ConvLoRA + AdaBN', kept: String(plain.kept) },
        looks: [{ candidate: 'source' }, { candidate: 'statistics' }, { candidate: '1' }],
      },
    ]);
    expect(page.images!.groups[0].panels[0].lines).toEqual(['No label was read']);
    const kinds = records('plain.metrics.jsonl').map(({ kind }) => kind);
    expect(kinds).toEqual(['job', 'look', 'look', 'epoch', 'look', 'kept']);
    expect(existsSync(at('plain.tensorboard'))).toBe(false);
  });

  it('scores both models on cases that were not adapted to', async () => {
    const { scores, looks } = await done(...adapt('scored.safetensors', '--score', '0.5'));
    expect(scores.on).toBe('2 cases kept from the adaptation');
    expect(scores.models.map(({ label }: { label: string }) => label)).toEqual(['Source model', 'Adapted model']);
    expect(looks.length).toBe(3);
    const { cases, comparison } = pageOf('scored.report.html');
    expect([cases!.rows.length, cases!.baseline, cases!.main]).toEqual([2, 'Source model', 'Adapted model']);
    expect(comparison!.groups[0].rows[1].against!.pairs).toBe(2);
    const model = loadSegmenter(at('model.safetensors'));
    model.use(loadAdapter(at('scored.safetensors')));
    for (const { name, classes } of scores.models[1].cases) {
      const truth = readLabel(at('data', 'philips-t2', 'labels', `${name}.nii.gz`));
      const mask = segmentVolume(model, readVolume(at('data', 'philips-t2', 'images', `${name}.nii.gz`)));
      expect(classes.brain.dice).toBeCloseTo(
        evaluateLabels(truth.data, mask, { ...truth, classes: [1], toleranceMm: 2 })[1].dice,
        6,
      );
    }
  });

  it('starts its log anew where it does not go on with an earlier one', async () => {
    writeFileSync(at('fresh.metrics.jsonl'), '{"kind":"look"}\n{"kind":');
    await done(...adapt('fresh.safetensors', '--method', 'adabn'));
    const looks = records('fresh.metrics.jsonl').flatMap(({ look }) => look ?? []);
    expect(looks.map(({ candidate }) => candidate)).toEqual(['source', 'statistics']);
  });
});
