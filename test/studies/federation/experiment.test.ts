/** What `graft federate` promises: whole results, counted bytes, and the same bits after every kind of end in between. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLedger } from '../../../src/federate/index.js';
import { readPageFile } from '../../../src/report/index.js';
import { loadAdapter, loadSegmenter } from '../../../src/segmenter/index.js';
import type { FederationSummary, RegimeResult } from '../../../src/studies/index.js';
import { type Ended, graftAlone, graftUntil, hashes, lastLine, type Moment } from '../tiny.js';
import { writeRecipe } from './tiny.js';

let folder: string;
let recipe: string;
let undisturbed: Ended;

const at = (...names: string[]) => join(folder, ...names);
const run = (out: string, ...more: string[]) => ['federate', recipe, '--out', at(out), ...more];
/** All that a run computes. */
const results = (name: string) => hashes(at(name), 'models', 'adapters', 'results');
const read = <T>(...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8')) as T;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-federate-'));
  recipe = writeRecipe(folder);
  undisturbed = graftAlone(run('first'));
  expect(undisturbed.stderr).toBe('');
  expect(undisturbed.status, undisturbed.stdout).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a finished federated run', () => {
  it('leaves a model, an adapter and a result for everything that was trained, and no checkpoint', () => {
    const local = ['philips-t2', 'siemens-t1'].map((site) => `seed1/flap-sam/local/${site}`);
    const trained = ['seed1/flap-sam/centralised', 'seed1/flap-sam/federated', ...local, 'seed1/small/federated'];
    expect(Object.keys(results('first')).sort()).toEqual(
      [
        ...trained.map((name) => `adapters/${name}.safetensors`),
        ...trained.map((name) => `results/${name}.json`),
        ...['models/foundation.safetensors', 'models/seed1.safetensors'],
      ].sort(),
    );
    expect(readdirSync(at('first', 'checkpoints'))).toEqual([]);
    const hidden = readdirSync(at('first'), { recursive: true }).filter((name) => String(name).endsWith('.tmp'));
    expect(hidden).toEqual([]);
    const report = readFileSync(at('first', 'report.html'), 'utf8');
    expect(report).toContain('Federated fine-tuning of Segment Anything');
    // Losses and Dice of both plans at both sites; `small` shares the models of the first that need no rounds.
    const charts = readPageFile(report)!.curves!.flatMap((plan) => plan.charts);
    for (const value of ['loss', 'Dice']) {
      const mine = charts.filter(({ yLabel }) => yLabel === value);
      expect(mine).toHaveLength(4);
      for (const { series } of mine) {
        expect(series.map(({ name }) => name)).toEqual(['local', 'centralised', 'federated']);
        for (const { points } of series) expect(points.at(-1)![1]).toBeGreaterThan(0);
      }
    }
  });

  it('scores every model on the test cases of every site, and every adapter belongs to the base', () => {
    const model = loadSegmenter(at('first', 'models', 'seed1.safetensors'));
    for (const name of ['centralised', 'federated', 'local/siemens-t1']) {
      const result = read<RegimeResult>('first', 'results', 'seed1', 'flap-sam', `${name}.json`);
      expect(result.cases.map(({ site }) => site)).toEqual(['siemens-t1', 'philips-t2']);
      expect(result.kept).toBe(2);
      const adapter = loadAdapter(at('first', result.adapters[0].file));
      expect(adapter.profile?.cases, 'cases that predictions are compared with').toBeGreaterThan(0);
      expect(adapter.base).toBe(model.fingerprint);
      expect([...adapter.state.values()].reduce((sum, { size }) => sum + size, 0)).toBe(result.trainedParameters);
    }
    model.dispose();
  });

  it('summarises gains and the bytes that the ledger counted', () => {
    const summary = lastLine(undisturbed).summary as FederationSummary;
    const [plain, small] = summary.plans;
    const local = plain.regimes.local!;
    for (const site of summary.sites) {
      const { mean } = plain.gain![site];
      expect(mean).toBeCloseTo(plain.regimes.federated!.dice[site].mean - local.dice[site].mean, 12);
    }
    expect(small.regimes.local).toEqual(local);
    const counted = readLedger(at('first', 'ledgers', 'seed1', 'flap-sam.jsonl')).flatMap((entry) =>
      entry.kind === 'accepted' ? [entry] : [],
    );
    expect(counted.length).toBe(4);
    expect(plain.traffic!.total).toBe(counted.reduce((sum, { up, down }) => sum + up + down, 0));
    const payload = 4 * plain.travellingParameters!;
    for (const { up, down } of counted) for (const moved of [up, down]) expect(moved).toBeGreaterThan(payload);
    expect(plain.traffic!.total).toBeLessThan(8 * 1.3 * payload);
    expect(small.traffic!.total).toBeLessThan(0.4 * plain.traffic!.total);
    expect(plain.traffic!.reduction).toMatchObject({ against: 'computed' });
  });

  it('logs a record an epoch and a round, with Dice by site', () => {
    const lines = readFileSync(at('first', 'metrics.jsonl'), 'utf8').trim().split('\n');
    const records = lines.map((line) => JSON.parse(line));
    const of = (kind: string, regime: string) => records.filter((one) => one.kind === kind && one.regime === regime);
    expect(of('epoch', 'centralised').map(({ epoch }) => epoch)).toEqual([0, 1]);
    expect(of('round', 'federated').map(({ plan, round }) => `${plan} ${round}`)).toEqual([
      ...['flap-sam 1', 'flap-sam 2', 'small 1', 'small 2'],
    ]);
    for (const { values } of [...of('epoch', 'centralised'), ...of('round', 'federated')])
      expect(Object.keys(values)).toEqual(expect.arrayContaining(['dice', 'dice at siemens-t1', 'dice at philips-t2']));
  });

  it('gives the same files when "graft run" does it', async () => {
    const again = await graftUntil(['run', recipe, '--out', at('again')]);
    expect(again.status, again.stdout).toBe(0);
    expect(results('again')).toEqual(results('first'));
  });
});

describe('a run that was stopped', () => {
  it('again and again ends with the same bits: interrupted while it trains, killed in the first round and the last', async () => {
    const moments: [NodeJS.Signals, Moment][] = [
      ['SIGINT', { task: /centralised$/, step: 3 }],
      ['SIGKILL', { task: /flap-sam, federated$/, step: 2 }],
      ['SIGKILL', { task: /small, federated$/, step: 5 }],
    ];
    for (const [signal, moment] of moments) {
      const { status, signal: killed } = await graftUntil(run('stopped', '--resume'), signal, moment);
      expect([moment, status ?? killed]).toEqual([moment, signal === 'SIGKILL' ? 'SIGKILL' : 130]);
      expect(existsSync(at('stopped', 'results.json'))).toBe(false);
    }
    const resumed = await graftUntil(run('stopped', '--resume'));
    expect(resumed.status, resumed.stdout).toBe(0);
    expect(results('stopped')).toEqual(results('first'));
  });

  it('is refused with another recipe, which is named, and nothing is lost', async () => {
    const before = results('first');
    const changed = await graftUntil(run('first', '--resume', '--rounds', '3', '--set', 'adapter.rank=4'));
    expect({ status: changed.status, ...lastLine(changed).error }).toMatchObject({
      ...{ status: 2, code: 'RUN_CHANGED' },
      message: expect.stringMatching(
        /changed: adapter\.rank: 2 in the run, 4 now; federation\.rounds: 2 in the run, 3 now/,
      ),
    });
    const unasked = await graftUntil(run('first'));
    expect(lastLine(unasked).error.code).toBe('RUN_EXISTS');
    expect(results('first')).toEqual(before);
  });
});
