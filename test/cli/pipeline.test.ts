/** train, adapt, predict, evaluate: what a hospital does with the command, on phantoms. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { verifyAudit } from '../../src/audit/index.js';
import { readLabel, readVolume } from '../../src/data/index.js';
import { evaluateLabels } from '../../src/metrics/index.js';
import { loadAdapter, loadSegmenter, segmentVolume } from '../../src/segmenter/index.js';
import { setThreads } from '../../src/torch/index.js';
import { commandsIn } from '../audit/commands-in.js';
import { type Ended, graftAlone, graftUntil, hashes, lastLine } from '../studies/tiny.js';

setThreads(1);
let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const [source, target] = ['siemens-t1', 'philips-t2'];
const tiny = [
  '--filters',
  '4',
  '--spacing',
  '8',
  '--batch',
  '4',
  '--head-epochs',
  '1',
  '--lr',
  '0.02',
  '--device',
  'cpu',
];
const trainTiny = (out: string) => {
  const data = ['train', at('data'), '--site', source, '--classes', 'brain'];
  return [...data, '--out', at(out), '--epochs', '2', ...tiny];
};
const adaptTiny = (out: string, data = 'data') => {
  const options = ['--epochs', '2', '--batch', '4', '--device', 'cpu', '--no-guard'];
  return ['adapt', at('model.safetensors'), at(data), '--site', target, '--out', at(out), ...options];
};
const images = () => readdirSync(at('data', target, 'images')).map((name) => at('data', target, 'images', name));

let trained: Ended;
let adapted: Ended;
let predicted: Ended;
const done = async (args: string[], run: (args: string[]) => Ended | Promise<Ended> = graftUntil) => {
  const ended = await run(args);
  expect(ended.status, ended.stdout + ended.stderr).toBe(0);
  expect(ended.stderr).toBe('');
  return ended;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-pipeline-'));
  await done(
    ['phantom', at('data'), '--cases', '3', '--spacing', '8', '--scanners', `${source},${target}`],
    graftAlone,
  );
  trained = await done(trainTiny('model.safetensors'), graftAlone);
  adapted = await done(adaptTiny('adapter.safetensors'), graftAlone);
  const adapter = ['--adapter', at('adapter.safetensors'), '--out', at('masks'), '--device', 'cpu'];
  predicted = await done(['predict', at('model.safetensors'), ...images(), ...adapter], graftAlone);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('graft train', () => {
  it('says what it wrote, on which cases, and leaves no checkpoint', () => {
    const { model, fingerprint, reference, split } = lastLine(trained);
    expect(model).toBe(at('model.safetensors'));
    const loaded = loadSegmenter(model);
    expect(loaded.fingerprint).toBe(fingerprint);
    expect(loaded.classes).toEqual(['brain']);
    expect(loaded.reference).toEqual(reference);
    expect([split.train.length, split.validation.length]).toEqual([2, 1]);
    expect(readdirSync(folder).filter((name) => /ckpt|tmp$/.test(name))).toEqual([]);
  });

  it('ended by Ctrl-C goes on with --resume to the same bits', async () => {
    const ended = await graftUntil(trainTiny('again.safetensors'), 'SIGINT', { task: /network$/, step: 2 });
    expect(ended.status).toBe(130);
    expect(existsSync(at('again.safetensors'))).toBe(false);
    const changed = await graftUntil([...trainTiny('again.safetensors'), '--resume', '--seed', '2', '--epochs', '9']);
    expect({ status: changed.status, ...lastLine(changed).error }).toMatchObject({
      status: 2,
      code: 'CHECKPOINT_OTHER_RUN',
      message: expect.stringMatching(/changed: seed: 1 in the file, 2 now; training\.epochs: 2 in the file, 9 now/),
    });
    await done([...trainTiny('again.safetensors'), '--resume']);
    expect(readFileSync(at('again.safetensors'))).toEqual(readFileSync(at('model.safetensors')));
    expect(readdirSync(folder).filter((name) => /ckpt|tmp$/.test(name))).toEqual([]);
  });

  it('overwrites no model, and keeps checkpoints when the command line is wrong', async () => {
    const before = readFileSync(at('model.safetensors'));
    expect(lastLine(await graftUntil(trainTiny('model.safetensors'))).error.code).toBe('OUTPUT_EXISTS');
    expect(readFileSync(at('model.safetensors'))).toEqual(before);
    writeFileSync(at('kept.safetensors-network.ckpt'), 'hours of work');
    const misspelt = ['train', at('data'), '--site', 'siemens', '--out', at('kept.safetensors'), ...tiny];
    expect((await graftUntil(misspelt)).status).toBe(2);
    expect(readFileSync(at('kept.safetensors-network.ckpt'), 'utf8')).toBe('hours of work');
    rmSync(at('kept.safetensors-network.ckpt'));
  });
});

describe('graft adapt', () => {
  it('says what was looked at and what was kept', () => {
    const { adapter, trainedParameters, kept, looks, bytes } = lastLine(adapted);
    expect(adapter).toBe(at('adapter.safetensors'));
    expect(looks.map((look: { candidate: unknown }) => look.candidate)).toEqual(['source', 'statistics', 1, 2]);
    expect([...looks.map((look: { candidate: unknown }) => look.candidate)]).toContain(kept);
    expect(trainedParameters).toBeGreaterThan(1000);
    expect(readFileSync(adapter).length).toBeGreaterThan(bytes);
    expect(loadAdapter(adapter).base).toBe(lastLine(trained).fingerprint);
    expect(loadAdapter(adapter).classes).toEqual(['brain']);
    expect(loadAdapter(adapter).provenance).toMatchObject({ target, seed: '1', kept: String(kept) });
  });

  it('never reads a label of the target', async () => {
    const garbled = at('garbled', target);
    for (const kind of ['images', 'labels']) mkdirSync(join(garbled, kind), { recursive: true });
    for (const image of images()) {
      const name = image.split('/').at(-1)!;
      writeFileSync(join(garbled, 'images', name), readFileSync(image));
      writeFileSync(join(garbled, 'labels', name), 'not a volume');
    }
    await done(adaptTiny('blind.safetensors', 'garbled'));
    expect(readFileSync(at('blind.safetensors'))).toEqual(readFileSync(at('adapter.safetensors')));
  });
});

describe('graft predict', () => {
  it('writes masks that lie exactly where their images lie', () => {
    const { masks } = lastLine(predicted);
    expect(masks.map(({ image }: { image: string }) => image)).toEqual(images());
    const geometry = (file: string) => {
      const bytes = gunzipSync(readFileSync(file));
      // dim[0..3]; pixdim[0..3]; qform_code … srow_z
      return [bytes.subarray(40, 48), bytes.subarray(76, 92), bytes.subarray(252, 328)].map((part) =>
        part.toString('hex'),
      );
    };
    for (const { image, mask, segmentedMl } of masks) {
      expect(geometry(mask)).toEqual(geometry(image));
      const { data, spacing } = readLabel(mask);
      const voxels = data.filter((value) => value > 0).length;
      expect(segmentedMl).toBeCloseTo((voxels * spacing.reduce((a, b) => a * b)) / 1000, 6);
    }
  });

  it('gives what the library gives, and something else without the adapter', async () => {
    const model = loadSegmenter(at('model.safetensors'));
    model.use(loadAdapter(at('adapter.safetensors')));
    const [image] = images();
    const mask = readLabel(lastLine(predicted).masks[0].mask);
    expect(Buffer.compare(segmentVolume(model, readVolume(image)), mask.data)).toBe(0);
    const plain = await done(['predict', at('model.safetensors'), image, '--out', at('plain'), '--device', 'cpu']);
    expect(Buffer.compare(readLabel(lastLine(plain).masks[0].mask).data, mask.data)).not.toBe(0);
  });

  it('refuses images whose masks would overwrite each other, before any work', async () => {
    const twins = [source, target].map((site) => at('data', site, 'images', 'patient01.nii.gz'));
    const { status, stdout } = await graftUntil(['predict', at('model.safetensors'), ...twins, '--out', at('twins')]);
    expect({ status, code: JSON.parse(stdout).error.code }).toEqual({ status: 2, code: 'SAME_NAME' });
    expect(existsSync(at('twins'))).toBe(false);
  });
});

describe('graft evaluate', () => {
  it('measures what evaluateLabels measures', async () => {
    const labels = at('data', target, 'labels');
    const ended = await done(['evaluate', at('masks'), labels, '--classes', 'brain', '--tolerance', '4'], graftAlone);
    const { toleranceMm, cases } = lastLine(ended);
    expect(toleranceMm).toBe(4);
    expect(cases.map(({ name }: { name: string }) => name)).toEqual(['patient01', 'patient02', 'patient03']);
    for (const { name, classes } of cases) {
      const truth = readLabel(join(labels, `${name}.nii.gz`));
      const mask = readLabel(at('masks', `${name}.nii.gz`));
      const { shape, spacing } = truth;
      const expected = evaluateLabels(truth.data, mask.data, { shape, spacing, classes: [1], toleranceMm: 4 })[1];
      const finite = Object.entries(expected).map(([key, value]) => [key, Number.isFinite(value) ? value : null]);
      expect(classes.brain).toEqual(Object.fromEntries(finite));
    }
  });

  it('finds the labels equal to themselves', async () => {
    const labels = at('data', target, 'labels');
    const { cases } = lastLine(await done(['evaluate', labels, labels]));
    for (const { classes } of cases)
      expect(classes.foreground).toMatchObject({ dice: 1, surfaceDice: 1, hausdorff95: 0 });
  });

  it('tells masks without labels, and folders without masks', async () => {
    const other = await graftUntil(['evaluate', at('masks'), at('data', source, 'images')]);
    expect(other.status, 'images are no labels').toBe(3);
    const none = await graftUntil(['evaluate', at('data'), at('data', target, 'labels')]);
    expect({ status: none.status, code: lastLine(none).error.code }).toEqual({ status: 3, code: 'MASKS_MISSING' });
    mkdirSync(at('few'));
    const few = await graftUntil(['evaluate', at('masks'), at('few')]);
    expect({ status: few.status, code: lastLine(few).error.code }).toEqual({ status: 3, code: 'MASK_WITHOUT_LABEL' });
  });
});

describe('the same command', () => {
  it('gives the same files', async () => {
    await done(adaptTiny('second.safetensors'));
    expect(readFileSync(at('second.safetensors'))).toEqual(readFileSync(at('adapter.safetensors')));
    const adapter = ['--adapter', at('second.safetensors'), '--out', at('masks2'), '--device', 'cpu'];
    await done(['predict', at('model.safetensors'), ...images(), ...adapter]);
    // But for the account of when it was given.
    const files = (name: string) =>
      Object.entries(hashes(at(name), '.')).flatMap(([file, hash]) => (file.includes('audit') ? [] : [hash]));
    expect(files('masks2')).toEqual(files('masks'));
  });
});

describe('graft-audit.jsonl', () => {
  /** The first line with this output, as the commands before any other test wrote it. */
  const noted = (output: string, folder = '.') =>
    commandsIn(at(folder, 'graft-audit.jsonl')).find(({ entry }) => entry.outputs[0]?.name === output)!.entry;
  const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

  it('says what a model was trained on, and an adapter made of', () => {
    const model = noted('model.safetensors');
    expect(model).toMatchObject({ command: 'train', outcome: 'done', settings: { site: [source], filters: 4 } });
    expect(model.inputs.map(({ name }) => name)).toEqual([1, 2, 3].map((i) => `${source}/patient0${i}`));
    const adapter = noted('adapter.safetensors');
    expect(adapter.command).toBe('adapt');
    expect(adapter.models.model).toEqual(model.outputs[0]);
    expect(adapter.inputs).toEqual(
      images().map((file, i) => ({ name: `${target}/patient0${i + 1}`, sha256: digest(file) })),
    );
    expect(verifyAudit(at('graft-audit.jsonl')).count).toBeGreaterThan(2);
  });

  it('says with which model and adapter masks were made of which images, and how much they hold', () => {
    const entry = noted('patient01.nii.gz', 'masks');
    const { model, adapter } = entry.models;
    expect([entry.command, entry.outcome]).toEqual(['predict', 'done']);
    expect([model.sha256, adapter.sha256]).toEqual(
      ['model.safetensors', 'adapter.safetensors'].map((name) => digest(at(name))),
    );
    expect(entry.inputs.map(({ sha256 }) => sha256)).toEqual(images().map(digest));
    const { masks } = lastLine(predicted);
    expect(entry.outputs.map(({ sha256, volumesMl }) => ({ sha256, volumesMl }))).toEqual(
      masks.map(({ mask, volumesMl }: { mask: string; volumesMl: object }) => ({ sha256: digest(mask), volumesMl })),
    );
    const warnings = masks.flatMap((mask: { warnings: string[] }) => mask.warnings);
    expect(entry.warnings).toHaveLength(warnings.length);
  });
});
