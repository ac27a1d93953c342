/** `graft compare`, `graft evaluate` and `scores.csv`, on runs of both kinds as a user makes them. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/compare/index.js';
import type { CaseScore } from '../../src/metrics/index.js';
import { readPageFile } from '../../src/report/index.js';
import { graft, graftProcess } from '../cli/graft.js';
import { recipe as federation } from '../studies/federation/tiny.js';
import { recipe as adaptation, graftUntil } from '../studies/tiny.js';

let folder: string;
const at = (name: string) => join(folder, name);
const csv = (name: string): Record<string, string>[] => parse(readFileSync(at(name), 'utf8'), { columns: true });
const json = (name: string) => JSON.parse(readFileSync(at(name), 'utf8')) as { cases: CaseScore[] };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-compare-'));
  const shorter = federation.replace('rounds: 2', 'rounds: 1');
  for (const [name, recipe] of Object.entries({ adaptation, federation: shorter })) {
    writeFileSync(at(`${name}.yaml`), recipe);
    const { status, stderr } = await graftUntil(['run', at(`${name}.yaml`), '--out', at(name)]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['adaptation', 'federation'])('what is handed on of the %s', (name) => {
  const report = () => readFileSync(join(at(name), 'report.html'), 'utf8');

  it('names no case and no place on this machine', () => {
    const { stdout } = graft(['compare', at(name), '--html', at('page.html')]);
    expect(stdout, 'for its owner').toMatch(/patient\d\d/);
    const texts = [
      report(),
      readFileSync(join(at(name), 'results.json'), 'utf8'),
      readFileSync(at('page.html'), 'utf8'),
      ...['--latex', '--markdown'].map((format) => graft(['compare', at(name), format]).stdout),
    ];
    for (const text of texts) {
      expect(text).not.toMatch(/patient\d\d/);
      expect(text).not.toContain(folder);
    }
    // The same pseudonyms in all of them, which the run's folder explains.
    const pseudonyms = Object.entries(JSON.parse(readFileSync(join(at(name), 'pseudonyms.json'), 'utf8')));
    const worst = texts.filter((text) => pseudonyms.some(([, told]) => text.includes(String(told))));
    expect(worst).toHaveLength(4); // all but results.json, which has no cases
    expect(pseudonyms[0]![0]).toMatch(/^[\w-]+\/patient\d\d$/);
  });

  it('says how it was made: command, settings, and digests of models and adapters', () => {
    const text = report();
    const { command, settings } = readPageFile(text)!.provenance!;
    expect(command).toMatch(/^graft run (?!\/)\S*\/(adaptation|federation)\.yaml --out (?!\/)\S*\/\1 --json$/);
    expect(settings).toContainEqual(['device', 'cpu']);
    const files = readdirSync(at(name), { recursive: true }).map(String);
    for (const file of files.filter((path) => /^(models\/seed|adapters\/).*safetensors$/.test(path))) {
      const digest = createHash('sha256')
        .update(readFileSync(join(at(name), file)))
        .digest('hex');
      expect(readPageFile(text)!.provenance!.files).toContainEqual({ name: file, sha256: digest });
    }
  });
});

describe('scores.csv', () => {
  it('has every case of every model of an adaptation', () => {
    const rows = csv('adaptation/scores.csv');
    expect(rows.map(({ method, site }) => `${method} ${site}`)).toEqual([
      ...['source siemens-t1', 'source philips-t2', 'source philips-t2', 'udas philips-t2', 'udas philips-t2'],
      ...['convlora-adabn philips-t2', 'convlora-adabn philips-t2'],
    ]);
    const [{ name, classes }] = json('adaptation/results/seed1/philips-t2/udas.json').cases;
    expect(rows[3]).toMatchObject({ seed: '1', case: name, class: 'brain', dice: String(classes.brain.dice) });
  });

  it('and of a federation, with plan, regime and where a model was trained alone', () => {
    const rows = csv('federation/scores.csv').map(({ method, regime, trainedAt, site }) =>
      [method, regime, trainedAt, site].filter(Boolean).join(' '),
    );
    expect(rows).toContain('flap-sam local siemens-t1 philips-t2');
    expect(rows.filter((row) => row.startsWith('flap-sam federated'))).toHaveLength(2);
    expect(rows.filter((row) => row.startsWith('small'))).toEqual([
      'small federated siemens-t1',
      'small federated philips-t2',
    ]);
  });
});

describe('graft compare', () => {
  it('shows the methods of a run against its first, which its report shows too', () => {
    const { status, stdout, stderr } = graftProcess(['compare', at('adaptation'), '--measure', 'surfaceDice']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('Statistics: surface Dice at 2 mm');
    expect(stdout).toMatch(/^convlora-adabn +2 /m);
    expect(stdout).toContain('note: With 2 pairs no two-sided p can be below 0.5.');
    const page = readPageFile(readFileSync(join(at('adaptation'), 'report.html'), 'utf8'))!;
    expect(page.comparison?.baseline).toBe(page.cases?.baseline);
  });

  it('gives the numbers of several runs to a program, and a page', () => {
    const names = ['adaptation/udas', 'federation/flap-sam/federated'];
    const options = [
      '--methods',
      names.join(','),
      '--measure',
      'dice,hausdorff95',
      '--html',
      at('page.html'),
      '--json',
    ];
    const ended = graft(['compare', at('adaptation'), at('federation'), ...options]);
    expect(ended.status).toBe(0);
    const { comparisons } = ended.json() as { comparisons: Comparison[] };
    expect(comparisons.map(({ measure, baseline }) => [measure, baseline])).toEqual([
      ['dice', names[0]],
      ['hausdorff95', names[0]],
    ]);
    expect(comparisons[0].groups[0].rows.map(({ entry }) => entry)).toEqual(names);
    const { cases } = json('federation/results/seed1/flap-sam/federated.json');
    const mean = cases.reduce((sum, { classes }) => sum + classes.brain.dice!, 0) / cases.length;
    expect(comparisons[0].groups[0].rows[1].mean).toBeCloseTo(mean, 12);
    // The page that runs have, with every measure that was asked for.
    const page = readPageFile(readFileSync(at('page.html'), 'utf8'))!;
    expect(page.cases!.models.map(({ name }) => name)).toEqual(names);
    expect([page.comparison!.measure, page.further!.map(({ measure }) => measure)]).toEqual(['dice', ['hausdorff95']]);
    expect(page.comparison!.groups[0].rows[1].mean).toBeCloseTo(mean, 12);
  });

  it('prints LaTeX and Markdown', () => {
    expect(graft(['compare', at('federation'), '--latex']).stdout).toMatch(
      /^% .*\n\\begin\{table\}[\s\S]*\\end\{table\}\n\n% note: With 2 pairs/,
    );
    expect(graft(['compare', at('federation'), '--markdown']).stdout).toMatch(/^\*\*Statistics: Dice\*\*\n\n\| method/);
  });

  it.each([
    ['a folder that is no run', () => [at('none')], 2, 'RUN_MISSING'],
    ['an unknown method', () => [at('adaptation'), '--methods', 'uda'], 2, 'COMPARE_UNKNOWN'],
    ['an unknown baseline', () => [at('adaptation'), '--baseline', 'sauce'], 2, 'COMPARE_UNKNOWN'],
    ['an unknown measure', () => [at('adaptation'), '--measure', 'iou'], 2, 'OPTION_INVALID'],
    ['two formats', () => [at('adaptation'), '--latex', '--markdown'], 2, 'OPTION_INVALID'],
    ['no run', () => [], 2, 'USAGE'],
  ])('names %s', (_, args, status, code) => {
    const ended = graft(['compare', ...args(), '--json']);
    expect([ended.status, ended.json().error.code, ended.stderr]).toEqual([status, code, '']);
  });
});

describe('graft evaluate', () => {
  const labels = () => join(at('adaptation'), 'data', 'philips-t2', 'labels');

  it('sums up each class and writes every case as CSV', async () => {
    const args = ['evaluate', labels(), labels(), '--classes', 'brain', '--csv', at('scores.csv'), '--json', '--quiet'];
    const { summary } = graft(args).json();
    expect(summary.classes.brain.dice).toMatchObject({ count: 3, mean: 1, sd: 0, median: 1 });
    expect(summary.worst).toHaveLength(3);
    expect(csv('scores.csv').map((row) => [row.class, row.dice, row.hausdorff95])).toEqual(
      Array.from({ length: 3 }, () => ['brain', '1', '0']),
    );
    const { stdout } = graft(args.slice(0, 5));
    expect(stdout).toMatch(/^brain +95 % Hausdorff distance \(mm\) +3 +0\.000/m);
    expect(stdout).toContain('worst: ');
  });

  it('names a file that it cannot write, and leaves no part of one', () => {
    const ended = graft([
      'evaluate',
      labels(),
      labels(),
      '--classes',
      'brain',
      '--csv',
      at('adaptation'),
      '--json',
      '--quiet',
    ]);
    expect([ended.status, ended.json().error.code]).toEqual([6, 'WRITE_FAILED']);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
