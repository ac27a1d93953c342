/** What `graft run` promises: the same bits again, and after every kind of end in between. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, graftAlone, graftUntil, hashes, lastLine, type Moment, writeRecipe } from './tiny.js';

let folder: string;
let recipe: string;
let undisturbed: Ended;

const at = (name: string) => join(folder, name);
const run = (out: string, ...more: string[]) => ['run', recipe, '--out', at(out), ...more];
/** All that a run computes. */
const results = (name: string) => hashes(at(name), 'models', 'adapters', 'results');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-run-'));
  recipe = writeRecipe(folder);
  undisturbed = graftAlone(run('first'));
  expect(undisturbed.stderr).toBe('');
  expect(undisturbed.status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a finished run', () => {
  it('leaves a model, an adapter for every method that trains, results, and no checkpoint', () => {
    expect(Object.keys(results('first'))).toEqual([
      'adapters/seed1/philips-t2/convlora-adabn.safetensors',
      'adapters/seed1/philips-t2/udas.safetensors',
      'models/seed1.safetensors',
      'results/seed1/philips-t2/convlora-adabn.json',
      'results/seed1/philips-t2/source.json',
      'results/seed1/philips-t2/udas.json',
      'results/seed1/source.json',
    ]);
    expect(readdirSync(at('first/checkpoints'))).toEqual([]);
    expect(readFileSync(at('first/report.html'), 'utf8')).toContain('Adaptation to unseen scanners');
    const hidden = readdirSync(at('first'), { recursive: true }).filter((name) => String(name).endsWith('.tmp'));
    expect(hidden).toEqual([]);
  });

  it('logs one record an epoch and a look at every candidate', () => {
    const records = readFileSync(at('first/metrics.jsonl'), 'utf8').trim().split('\n');
    const kinds = records.map((line) => JSON.parse(line)).map(({ task, kind }) => `${task} ${kind}`);
    const count = (name: string) => kinds.filter((kind) => kind === name).length;
    expect(count('network epoch')).toBe(2);
    expect(count('early heads epoch')).toBe(2);
    expect(count('convlora-adabn on philips-t2 epoch')).toBe(2);
    expect(count('convlora-adabn on philips-t2 look')).toBe(3);
  });

  it('gives the same files when it is done again, and others with another seed', async () => {
    const again = await graftUntil(run('again'));
    expect(again.status).toBe(0);
    expect(results('again')).toEqual(results('first'));
    expect(hashes(at('again'), 'data')).toEqual(hashes(at('first'), 'data'));
    expect(lastLine(again).summary).toEqual(lastLine(undisturbed).summary);

    const other = await graftUntil(
      run('other', '--set', 'seeds=[2]', '--set', 'methods=[source, {method: udas, epochs: 1}]'),
    );
    expect(other.status).toBe(0);
    const [mine, theirs] = [results('first'), results('other')];
    expect(theirs['models/seed2.safetensors']).not.toBe(mine['models/seed1.safetensors']);
    const adapter = (seed: number) => `adapters/seed${seed}/philips-t2/udas.safetensors`;
    expect(theirs[adapter(2)]).not.toBe(mine[adapter(1)]);
  });

  it('prints the same again at once with --resume', async () => {
    const before = results('first');
    const resumed = await graftUntil(run('first', '--resume'));
    expect(resumed.status).toBe(0);
    expect(lastLine(resumed)).toEqual(lastLine(undisturbed));
    expect(resumed.stdout).not.toContain('"kind":"step"');
    expect(results('first')).toEqual(before);
  });

  it('is not touched without --resume', async () => {
    const { status, stdout } = await graftUntil(run('first'));
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'RUN_EXISTS', hint: expect.stringContaining('--resume') });
  });

  it('is not resumed under another recipe; what changed is named', async () => {
    const changes = ['--set', 'training.lr=0.001', '--set', 'architecture.filters=3', '--set', 'methods=[adabn]'];
    const { status, stdout } = await graftUntil(run('first', '--resume', ...changes));
    expect(status).toBe(2);
    const { code, message } = JSON.parse(stdout).error;
    expect(code).toBe('RUN_CHANGED');
    expect(message).toMatch(
      /changed: architecture\.filters: 2 in the run, 3 now; training\.lr: .*; methods: .* now\.$/,
    );
  });
});

describe('a disturbed run', () => {
  it('that was killed again and again ends with the same bits', async () => {
    const moments: Moment[] = [
      { task: /^phantoms$/, step: 0 },
      { task: /: network$/, step: 4 }, // of 6, in the second epoch
      { task: /early heads$/, step: 4 },
      { task: /UDAS on/, step: 0 },
      { task: /ConvLoRA \+ AdaBN on/, step: 3 }, // of 4
      { task: /^report$/, step: 0 },
    ];
    for (const moment of moments) {
      const { signal, status } = await graftUntil(run('killed', '--resume'), 'SIGKILL', moment);
      // The report takes no time: the run may have ended before the signal came.
      if (moment.task.source !== '^report$') expect({ moment, signal, status }).toMatchObject({ signal: 'SIGKILL' });
    }
    const last = await graftUntil(run('killed', '--resume'));
    expect(last.status, last.stdout + last.stderr).toBe(0);
    expect(results('killed')).toEqual(results('first'));
    expect(hashes(at('killed'), 'data')).toEqual(hashes(at('first'), 'data'));
    expect(lastLine(last).summary).toEqual(lastLine(undisturbed).summary);
    expect(existsSync(at('killed/report.html'))).toBe(true);
  });

  it.each<Moment & { checkpoint: string }>([
    { task: /: network$/, step: 2, checkpoint: 'seed1-network.ckpt' },
    { task: /ConvLoRA \+ AdaBN on/, step: 2, checkpoint: 'seed1-philips-t2-convlora-adabn-adapter.ckpt' },
  ])('that was ended by Ctrl-C ($checkpoint) saves, exits with 130 and resumes to the same bits', async (moment) => {
    const name = `ended-${moment.checkpoint}`;
    const ended = await graftUntil(run(name), 'SIGINT', moment);
    expect({ status: ended.status, signal: ended.signal }).toEqual({ status: 130, signal: null });
    const hint = expect.stringMatching(
      /^Go on where it stopped: node .*main\.js run .*tiny\.yaml --out .* --json --resume$/,
    );
    expect(lastLine(ended).error).toMatchObject({ code: 'INTERRUPTED', hint });
    expect(readdirSync(at(`${name}/checkpoints`))).toContain(moment.checkpoint);

    const resumed = await graftUntil(run(name, '--resume'));
    expect(resumed.status, resumed.stderr).toBe(0);
    const steps = resumed.stdout.match(/"kind":"step","done":\d+/g)!.map((text) => Number(text.split(':').at(-1)));
    expect(steps[0], 'goes on where it stopped').toBeGreaterThan(2);
    expect(results(name)).toEqual(results('first'));
  });
});
