/** Whole experiments, tracked: the curves arrive, the results are the same as without, and no name of a case leaves. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ProgressEvent } from '../../src/core/index.js';
import { generatePhantoms } from '../../src/data/index.js';
import { readPageFile } from '../../src/report/index.js';
import {
  adaptationStudy,
  federationStudy,
  parseAdaptationRecipe,
  parseFederationRecipe,
  runStudy,
} from '../../src/studies/index.js';
import { recipe as federated } from '../studies/federation/tiny.js';
import { recipe as adapted, hashes } from '../studies/tiny.js';
import { readBoard } from './event-files.js';
import { MlflowServer } from './mlflow-server.js';
import { temporary } from './run-folder.js';

const folder = temporary();
/** As short as an experiment can be. */
const adaptation = {
  ...parse(adapted),
  methods: ['source', { method: 'udas', epochs: 2, batch: 4 }],
};
const federation = { ...parse(federated), plans: ['flap-sam'], regimes: ['local', 'federated'] };
const planted = 'PLANTED-NAME';
const root = join(folder, 'PLANTED-ROOT');
let server: MlflowServer;
let uri: string;

beforeEach(async () => {
  server = new MlflowServer();
  uri = await server.listen();
});
afterEach(() => server.close());
beforeAll(() => {
  generatePhantoms(root, { seed: 1, scanners: ['siemens-t1', 'philips-t2'], cases: 4, spacing: 8 });
  for (const site of readdirSync(root))
    for (const kind of readdirSync(join(root, site)))
      for (const name of readdirSync(join(root, site, kind)))
        renameSync(join(root, site, kind, name), join(root, site, kind, name.replace('patient', planted)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function finish<Result>(events: AsyncGenerator<ProgressEvent, Result>): Promise<Result> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
  }
}

/** Every byte that was sent, and every byte of every event file. */
const left = (board: string) =>
  [
    JSON.stringify(server.requests),
    ...readdirSync(board, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name) + readFileSync(join(entry.parentPath, entry.name), 'latin1')),
  ].join('\n');

describe('an adaptation', () => {
  it('is the same with and without, and shows its curves, scores and pictures', async () => {
    const content = { ...adaptation, data: { root } };
    const plain = join(folder, 'plain');
    await finish(runStudy(adaptationStudy, parseAdaptationRecipe(content, 'r'), { out: plain, file: 'r' }));
    const tracking = { tensorboard: true, mlflow: { uri, experiment: 'adaptation', images: true } };
    const out = join(folder, 'tracked');
    await finish(runStudy(adaptationStudy, parseAdaptationRecipe({ ...content, tracking }, 'r'), { out, file: 'r' }));
    expect(hashes(out, 'models', 'adapters', 'results')).toEqual(hashes(plain, 'models', 'adapters', 'results'));

    const board = readBoard(join(out, 'tensorboard'));
    expect(Object.keys(board).sort()).toEqual([
      'pictures/philips-t2',
      ...['early heads', 'network', 'philips-t2/source', 'philips-t2/udas'].map((name) => `seed1/${name}`),
      ...['source', 'udas'].map((name) => `test/${name}`),
    ]);
    expect(board['seed1/network']!.loss!.map(({ step }) => step)).toEqual([1, 2]);
    expect(board['seed1/philips-t2/udas']!.agreement!.map(({ step }) => step)).toEqual([1, 2]);
    expect(Object.keys(board['pictures/philips-t2']!)).toContain('best/sagittal');
    expect(server.history('seed1/network/loss').map(([step]) => step)).toEqual([1, 2]);
    expect(server.run).toMatchObject({ name: 'tracked', status: 'FINISHED' });
    expect(Object.keys(server.run.params)).toContain('training.epochs');

    // Neither the report here nor the one that is sent names cases or says where the data are.
    const [sent] = [...server.artifacts.values()];
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect([report.includes(planted), report.includes(root)]).toEqual([false, false]);
    expect(report).toMatch(/case-[0-9a-f]{4}/);
    expect(sent!.includes('data:image/png')).toBe(true);
    expect(left(join(out, 'tensorboard')).includes('PLANTED')).toBe(false);
  });

  it('resumed with other trackers, and with names, is the same run', async () => {
    const shared = join(folder, 'shared');
    mkdirSync(shared);
    const other = parseAdaptationRecipe(
      { ...adaptation, data: { root }, names: 'show', tracking: { tensorboard: shared } },
      'r',
    );
    await finish(runStudy(adaptationStudy, other, { out: join(folder, 'plain'), resume: true, file: 'r' }));
    expect(Object.keys(readBoard(shared))).toContain('plain/seed1/network');
    expect(readFileSync(join(folder, 'plain', 'report.html'), 'utf8').includes(planted)).toBe(true);
  });
});

describe('a federation', () => {
  it('shows rounds, sites and scores, and sends neither names nor pictures unless asked', async () => {
    const tracking = { tensorboard: true, mlflow: { uri, experiment: 'federation' } };
    const recipe = parseFederationRecipe({ ...federation, data: { root }, tracking }, 'r');
    const out = join(folder, 'federated');
    await finish(runStudy(federationStudy, recipe, { out, file: 'r' }));
    const board = readBoard(join(out, 'tensorboard'));
    expect(board['seed1/flap-sam/federated']!['dice at siemens-t1']!.map(({ step }) => step)).toEqual([1, 2]);
    expect(board['seed1/flap-sam/federated/siemens-t1']!['bytes up']!.every(({ value }) => value > 0)).toBe(true);
    expect(board['seed1/flap-sam/local/philips-t2']!.loss).toHaveLength(2);
    expect(Object.keys(board['test/flap-sam/federated']!)).toContain('dice mean');
    expect(server.history('seed1/flap-sam/federated/bytes down').map(([step]) => step)).toEqual([1, 2]);
    expect(server.run.status).toBe('FINISHED');
    const [sent] = [...server.artifacts.values()];
    expect(sent!.includes('Federated fine-tuning')).toBe(true);
    expect(readPageFile(sent!)!.images!.groups).toEqual([]);
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect([report.includes(planted), report.includes(root)]).toEqual([false, false]);
    expect(left(join(out, 'tensorboard')).includes('PLANTED')).toBe(false);
  });
});
