/** What train and adapt leave beside their result: a log, a page, scores, and TensorBoard where it is asked for. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sha256 } from '../../src/core/index.js';
import { generatePhantoms, readLabel, readVolume } from '../../src/data/index.js';
import { evaluateLabels } from '../../src/metrics/index.js';
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
    expect(kinds).toEqual(['epoch network', 'epoch network', 'epoch early heads', 'score']);
    const events = readdirSync(at('model.tensorboard'), { recursive: true }).map(String);
    expect(events.filter((name) => name.includes('tfevents')).length).toBeGreaterThanOrEqual(3);
  });

  it('writes one page with scores, curves, a picture, the command, every setting and digests, but no name of a case', () => {
    const page = text('model.report.html');
    expect(page).toContain('1 case kept from training');
    for (const part of ['Loss', 'Dice on validation cases', '<image ', 'graft train', '--filters 2'])
      expect(page).toContain(part);
    for (const part of ['training.augmentation.contrast', sha256(at('model.safetensors'))])
      expect(page).toContain(part);
    expect(page).not.toMatch(/patient0\d/);
    expect(page).not.toContain(folder);
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
    const page = text('plain.report.html');
    for (const part of ['Candidates, seen without labels', 'statistics', '<image ', 'No label was read'])
      expect(page).toContain(part);
    expect(records('plain.metrics.jsonl').map(({ kind }) => kind)).toEqual(['look', 'look', 'epoch', 'look']);
    expect(existsSync(at('plain.tensorboard'))).toBe(false);
  });

  it('scores both models on cases that were not adapted to', async () => {
    const { scores, looks } = await done(...adapt('scored.safetensors', '--score', '0.5'));
    expect(scores.on).toBe('2 cases kept from the adaptation');
    expect(scores.models.map(({ label }: { label: string }) => label)).toEqual(['Source model', 'Adapted model']);
    expect(looks.length).toBe(3);
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
    expect(records('fresh.metrics.jsonl').map(({ look }) => look.candidate)).toEqual(['source', 'statistics']);
  });
});
