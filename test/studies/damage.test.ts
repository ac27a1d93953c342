/**
 * Damage on the disk is never silent: whatever file of a run is cut short, flipped, emptied or deleted, the run that is
 * resumed ends with the bits of an undamaged one and says what it made again, or names the file and the way out.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ProgressEvent } from '../../src/core/index.js';
import {
  adaptationStudy,
  federationStudy,
  parseAdaptationRecipe,
  parseFederationRecipe,
  runStudy,
} from '../../src/studies/index.js';
import { damages, filesBelow, pathsIn, watch, withoutDigests } from '../damage.js';
import { recipe as federationRecipe } from './federation/tiny.js';
import { recipe as adaptationRecipe, hashes } from './tiny.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'graft-damage-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
const results = (run: string) => hashes(run, 'models', 'adapters', 'results');

interface Kind {
  start: (out: string, resume?: boolean) => AsyncGenerator<ProgressEvent, unknown>;
  /** Files of a finished run, one of each kind; those of a group are damaged together. */
  files: RegExp[][];
  /** Where a run is stopped, and the files that are damaged there. */
  moments: { name: string; task: RegExp; step: number; files: RegExp[][]; ways?: string[] }[];
}

const content = (text: string, changes: object) => ({ ...parse(text), ...changes });
const adaptation = parseAdaptationRecipe(
  content(adaptationRecipe, {
    training: { epochs: 1, batch: 8, lr: 1.0e-2, headEpochs: 1 },
    methods: ['source', { method: 'udas', epochs: 2, batch: 8 }],
  }),
  'tiny.yaml',
);
const federation = parseFederationRecipe(
  content(federationRecipe, { plans: ['flap-sam'], regimes: ['local', 'federated'], epochs: 2, keep: 'best' }),
  'tiny.yaml',
);

const kinds: Record<string, Kind> = {
  adaptation: {
    start: (out, resume = false) => runStudy(adaptationStudy, adaptation, { out, resume, file: 'tiny.yaml' }),
    files: [
      [/^recipe\.yaml$/, /\/images\/.*gz$/, /^adapters\//, /source\.json$/],
      [/^run\.json$/, /^pseudonyms\.json$/, /phantoms\.json$/, /udas\.json$/, /^results\.json$/],
      [/^metrics\.jsonl$/, /\/labels\/.*gz$/, /^models\//],
    ],
    moments: [
      {
        name: 'the early heads',
        task: /early heads$/,
        step: 2,
        files: [[/-network\.ckpt$/, /^cache\//], [/-heads\.ckpt$/]],
        ways: ['flipped in a bit', 'deleted'],
      },
      { name: 'the adaptation', task: /UDAS on/, step: 3, files: [[/-adapter\.ckpt$/], [/^models\//]] },
    ],
  },
  federation: {
    start: (out, resume = false) => runStudy(federationStudy, federation, { out, resume, file: 'tiny.yaml' }),
    files: [
      [/foundation\.safetensors$/, /^adapters\/.*federated/, /^results\/.*philips/, /^states\/.*local-philips/],
      [/^models\/seed1/, /^ledgers\//],
    ],
    moments: [
      {
        name: 'training alone',
        task: /siemens-t1 alone$/,
        step: 3,
        files: [[/^checkpoints\/.*local/]],
        ways: ['flipped in a bit', 'deleted'],
      },
      {
        name: 'the second round',
        task: /federated$/,
        step: 5,
        // Every file of a federation under way, in every way: test/federate/damage.test.ts.
        files: [[/state\.safetensors$/], [/kept\.safetensors$/]],
        ways: ['flipped in a bit'],
      },
    ],
  },
};

/**
 * What nobody has to be told: what is written anew at every start, and what looks as if the last process had come no
 * further (a log that ends early, a job without a checkpoint, a result that is not there yet).
 */
const isSilent = (file: string, damage: string): boolean =>
  /^(run\.json|results\.json|cache\/|states\/)/.test(file) ||
  (damage === 'cut short' && file === 'metrics.jsonl') ||
  (damage === 'deleted' &&
    /^pseudonyms|^results\/|^models\/seed1|phantoms\.json$|\.ckpt$|checkpoints\/.*local/.test(file));

describe.each(Object.entries(kinds))('a run of the kind %s', (kind, { start, files, moments }) => {
  let expected: Record<string, string>;
  const whole = () => join(root, kind, 'whole');

  beforeAll(async () => {
    const outcome = await watch(start(whole()));
    expect(outcome.error).toBeUndefined();
    expected = results(whole());
  });

  /** Damages a copy of the run, resumes it, and checks what came of it. */
  async function check(fixture: string, patterns: RegExp[], damage: (typeof damages)[number]): Promise<void> {
    const copy = join(root, kind, 'copy');
    rmSync(copy, { recursive: true, force: true });
    cpSync(fixture, copy, { recursive: true });
    const found = filesBelow(copy);
    const damaged = patterns.map((pattern) => found.find((name) => pattern.test(name))!);
    expect(damaged, String(patterns)).not.toContain(undefined);
    for (const file of damaged) damage.do(join(copy, file));
    const { error, notes } = await watch(start(copy, true));
    expect(error, damaged.join()).toBeUndefined();
    expect({ damaged, ...results(copy) }).toEqual({ damaged, ...expected });
    for (const file of damaged)
      if (!isSilent(file, damage.name)) expect(notes.join('\n'), `${file}, ${damage.name}`).toContain(file);
  }

  it.each(damages)('that is finished stands, or is made again where it was $name', async (damage) => {
    for (const group of files) await check(whole(), group, damage);
  });

  describe.each(moments)('that was stopped in $name', ({ name, task, step, files: groups, ways }) => {
    const stopped = () => join(root, kind, name);
    beforeAll(async () => {
      await watch(start(stopped()), { task, step });
    });

    it.each(damages.filter(({ name: way }) => ways?.includes(way) ?? true))(
      'goes on to the same bits where a file was $name',
      async (damage) => {
        for (const group of groups) await check(stopped(), group, damage);
      },
    );
  });

  it('of the version before, which has no digests, is read as it is', async () => {
    const copy = join(root, kind, 'before');
    cpSync(whole(), copy, { recursive: true });
    withoutDigests(copy);
    const before = results(copy);
    const { error, notes, steps } = await watch(start(copy, true));
    expect({ error, steps, told: notes.filter((text) => /again|anew|damaged/.test(text)) }).toEqual({
      ...{ error: undefined, steps: 0, told: [] },
    });
    expect(results(copy)).toEqual(before);
  });

  it('can be moved: nothing in its folder names the folder', async () => {
    const places = [whole(), ...moments.map(({ name }) => join(root, kind, name))];
    for (const place of places) expect(pathsIn(place, root).filter((name) => name !== 'report.html')).toEqual([]);
    const [last] = moments.slice(-1);
    const moved = join(root, kind, 'moved', 'elsewhere');
    cpSync(join(root, kind, last.name), moved, { recursive: true });
    const { error } = await watch(start(moved, true));
    expect(error).toBeUndefined();
    expect(results(moved)).toEqual(expected);
  });
});
