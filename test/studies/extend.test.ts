/** A finished run goes on: with what was added it is the run that had asked for all of it from the start. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generatePhantoms } from '../../src/data/index.js';
import { readLedger } from '../../src/federate/index.js';
import { loadAdapter } from '../../src/segmenter/index.js';
import {
  adaptationStudy,
  federationStudy,
  parseAdaptationRecipe,
  parseFederationRecipe,
  runStudy,
} from '../../src/studies/index.js';
import { recipe as tinyFederation } from './federation/tiny.js';
import { hashes, recipe as tinyAdaptation } from './tiny.js';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const read = (...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8'));
const results = (name: string) => hashes(at(name), 'models', 'adapters', 'results');

/** Carries out all of it, or stops at the first event that says so. */
async function drain(events: AsyncGenerator<{ kind: string }>, until = (_: { kind: string }) => false) {
  const notes: string[] = [];
  for await (const event of events) {
    if ('text' in event) notes.push(String(event.text));
    if (until(event)) break;
  }
  return notes;
}
const failure = (events: AsyncGenerator<{ kind: string }>) =>
  drain(events).then(
    () => expect.fail('it was not refused'),
    (error) => error,
  );

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'graft-extend-'));
  const scanners = ['siemens-t1', 'philips-t2', 'ge-t1'] as const;
  generatePhantoms(at('data'), { seed: 1, cases: 4, spacing: 8, scanners: [...scanners] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a finished federated run', () => {
  const recipeOf = (changes: object = {}) => {
    const { data: _, plans: __, ...rest } = parse(tinyFederation);
    return parseFederationRecipe({ ...rest, plans: ['flap-sam'], data: { root: at('data') }, ...changes }, 'x.yaml');
  };
  const rounds = (count: number) => ({ federation: { rounds: count } });
  const run = (out: string, changes: object, more: object = {}) =>
    runStudy(federationStudy, recipeOf(changes), { out: at(out), file: 'x.yaml', command: ['graft', 'x'], ...more });

  /** Training of the sites alone is what the run has that another site joins. */
  const trained = (count: number) => ({ ...rounds(count), regimes: ['centralised', 'federated'] });

  beforeAll(async () => {
    await drain(run('one', trained(1)));
    await drain(run('three', trained(3)));
  });

  it('with more rounds has the bits of a run that asked for them from the start, also where it is stopped', async () => {
    const before = results('one');
    const stopped = run('one', trained(3), { extend: true });
    const notes = await drain(
      stopped,
      (event) => 'text' in event && /federated, round 2 of 3/.test(String(event.text)),
    );
    expect(notes.at(-1)).toContain('round 2');
    await drain(run('one', trained(3), { resume: true }));
    expect(results('one')).toEqual(results('three'));
    expect(read('one', 'run.json').history).toEqual([
      { when: expect.any(String), command: ['graft', 'x'], changed: { 'federation.rounds': [1, 3] } },
    ]);
    expect(readFileSync(at('one', 'report.html'), 'utf8')).toContain('federation.rounds: 1 in the run before, 3 now');
    // What it came to after one round is still there.
    const kept = hashes(at('one', 'history', '1'), 'results', 'adapters');
    expect(Object.keys(kept).length).toBe(4);
    for (const [name, hash] of Object.entries(kept)) expect(before[name]).toBe(hash);
    const kinds = readLedger(at('one', 'ledgers', 'seed1', 'flap-sam.jsonl')).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'extended' || kind === 'aggregated')).toEqual([
      ...['aggregated', 'extended', 'aggregated', 'aggregated'],
    ]);
  });

  it('takes another site in, which gets the state of the rounds before', async () => {
    const regimes = { regimes: ['local', 'federated'], split: { train: 2, validation: 1, test: 1 } };
    await drain(run('joined', { ...rounds(1), ...regimes, sites: ['siemens-t1'] }));
    const sites = ['siemens-t1', 'ge-t1'];
    const refused = await failure(run('joined', { ...rounds(1), ...regimes, sites }, { extend: true }));
    expect(refused.hint).toMatch(/a site that joins flap-sam needs rounds to take part in/);
    const notes = await drain(run('joined', { ...rounds(2), ...regimes, sites }, { extend: true }));
    expect(notes).toContain('flap-sam, federated: ge-t1 joins after round 1');
    const ledger = readLedger(at('joined', 'ledgers', 'seed1', 'flap-sam.jsonl'));
    expect(ledger.find(({ kind }) => kind === 'extended')).toMatchObject({ joined: ['ge-t1'] });
    const accepted = ledger.flatMap((entry) => (entry.kind === 'accepted' ? [`${entry.round} ${entry.site}`] : []));
    expect(accepted.sort()).toEqual(['1 siemens-t1', '2 ge-t1', '2 siemens-t1']);
    const { provenance } = loadAdapter(at('joined', 'adapters', 'seed1', 'flap-sam', 'federated.safetensors'));
    expect(provenance).toMatchObject({ data: 'siemens-t1, ge-t1', joined: 'ge-t1 after round 1' });
    const { cases } = read('joined', 'results', 'seed1', 'flap-sam', 'local', 'siemens-t1.json');
    expect(cases.map(({ site }: { site: string }) => site)).toEqual(sites);
    expect(read('joined', 'run.json').history[0].remarks).toContain('flap-sam, federated: ge-t1 joins after round 1');
  });

  it('goes on from the start where its state is gone, as in runs of earlier versions, and says so', async () => {
    const changes = (count: number) => ({ ...rounds(count), regimes: ['federated'] });
    await drain(run('stateless', changes(1)));
    rmSync(at('stateless', 'states'), { recursive: true });
    const notes = await drain(run('stateless', changes(3), { extend: true }));
    expect(notes.join('\n')).toMatch(/flap-sam, federated: trained anew from the start/);
    const adapter = ['adapters', 'seed1', 'flap-sam', 'federated.safetensors'];
    expect(readFileSync(at('stateless', ...adapter))).toEqual(readFileSync(at('three', ...adapter)));
  });

  it('is refused without being asked to, by key, both values and the way out', async () => {
    const before = results('three');
    const error = await failure(run('three', trained(5), { resume: true }));
    expect(error).toMatchObject({
      code: 'RUN_CHANGED',
      message: expect.stringContaining('federation.rounds: 3 in the run, 5 now'),
      hint: expect.stringContaining('--extend'),
    });
    const fewer = await failure(run('three', trained(2), { extend: true }));
    expect(fewer.hint).toMatch(/training that was done cannot be taken back/);
    const other = await failure(run('three', { ...trained(5), adapter: { rank: 4 } }, { extend: true }));
    expect(other.message).toContain('adapter.rank: 2 in the run, 4 now');
    expect(other.hint).toMatch(/--extend cannot do it: adapter\.rank: all results depend on it/);
    expect(results('three')).toEqual(before);
  });

  it('says where a schedule over all rounds makes of more rounds another training', async () => {
    const training = { batch: 2, lr: 5e-3, warmup: 2, overlap: false, decayEpochs: null };
    const regimes = ['federated'];
    await drain(run('falling', { ...rounds(1), training, regimes }));
    const notes = await drain(run('falling', { ...rounds(2), training, regimes }, { extend: true }));
    expect(notes.join('\n')).toMatch(/the learning rate falls over all that is asked for .*which was 1 and is 2/);
  });
});

describe('a finished adaptation run', () => {
  const recipeOf = (changes: object = {}) => {
    const { data: _, ...rest } = parse(tinyAdaptation);
    const training = { ...rest.training, epochs: 1, headEpochs: 1 };
    const split = { source: { train: 1, validation: 1, test: 1 }, target: { adapt: 1, test: 1 } };
    return parseAdaptationRecipe({ ...rest, split, training, data: { root: at('data') }, ...changes }, 'x.yaml');
  };
  const udas = { method: 'udas', epochs: 1, batch: 4 };
  const larger = {
    seeds: [1, 2],
    targets: ['philips-t2', 'ge-t1'],
    methods: ['source', udas, 'adabn'],
    oracle: { epochs: 1 },
  };
  const run = (out: string, changes: object, more: object = {}) =>
    runStudy(adaptationStudy, recipeOf(changes), { out: at(out), file: 'x.yaml', command: ['graft', 'x'], ...more });

  it('with seeds, targets, methods and an oracle added has the bits of a run that asked for them from the start', async () => {
    await drain(run('small', { methods: ['source', udas] }));
    await drain(run('small', larger, { extend: true }));
    await drain(run('large', larger));
    expect(results('small')).toEqual(results('large'));
    expect(read('small', 'results.json')).toEqual(read('large', 'results.json'));
    const [{ changed }] = read('small', 'run.json').history;
    expect(changed).toMatchObject({ seeds: [[1], [1, 2]], targets: [['philips-t2'], ['philips-t2', 'ge-t1']] });
  });

  it('keeps its history when it is only resumed, and refuses what would make results untrue', async () => {
    await drain(run('small', larger, { resume: true }));
    expect(read('small', 'run.json').history).toHaveLength(1);
    const methods = ['source', { ...udas, epochs: 2 }, 'adabn'];
    const error = await failure(run('small', { ...larger, methods }, { extend: true }));
    expect(error.hint).toMatch(/udas has other settings now; give the new ones a name of their own/);
    const longer = await failure(run('small', { ...larger, training: { epochs: 9 } }, { extend: true }));
    expect(longer.message).toContain('training.epochs: 1 in the run, 9 now');
    expect(longer.hint).toMatch(/the learning rate falls over all epochs/);
  });
});
