/** The page of a training and of an adaptation: while they work, stopped, and done; found by the model or its folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatePhantoms } from '../../src/data/index.js';
import { readPageFile } from '../../src/report/index.js';
import { JobPage, JobRecord } from '../../src/studies/index.js';
import { brief } from '../child.js';
import { graft, main } from '../cli/graft.js';
import { newFolder } from '../new-folder.js';
import { graftUntil } from '../studies/tiny.js';
import { faintTexts, launch, openPage, present, title } from './browser.js';

const folder = newFolder();
const at = (...path: string[]) => join(folder, ...path);
const network = ['--filters', '2', '--spacing', '8', '--size', '32,32', '--classes', 'brain'];
const training = ['--epochs', '2', '--head-epochs', '1', '--batch', '4', '--test', '0.25', '--device', 'cpu'];
const train = () => ['train', at('data'), '--site', 'siemens-t1', '--out', at('made', 'model.safetensors')];
const adapt = () => ['adapt', at('made', 'model.safetensors'), at('data'), '--site', 'philips-t2'];
/** So many that a browser is there before they are done. */
const epochs = 30;
const adapting = ['--epochs', String(epochs), '--batch', '4', '--score', '0.5', '--device', 'cpu'];

beforeAll(async () => {
  generatePhantoms(at('data'), { seed: 1, cases: 4, spacing: 8, scanners: ['siemens-t1', 'philips-t2'] });
  const stopped = await graftUntil([...train(), ...network, ...training], 'SIGTERM', { task: /early heads$/, step: 1 });
  expect(stopped.status, stopped.stdout + stopped.stderr).toBe(130);
});

describe('graft page', () => {
  it('finds a training that was stopped by its result, which is not there yet, and by its folder', () => {
    for (const place of [at('made', 'model.safetensors'), at('made')]) {
      expect(graft(['page', place, '--out', at('page.html')]).status).toBe(0);
      const page = readPageFile(readFileSync(at('page.html'), 'utf8'))!;
      expect([page.title, page.description, page.running]).toEqual(['Training of a U-Net', 'On siemens-t1', undefined]);
      expect(page.notes).toEqual(['It has not ended. The same command with --resume goes on with it.']);
      expect(page.curves![0].charts.map(({ title }) => title)).toEqual(['Loss', 'Dice on validation cases']);
      expect(page.provenance!.command).toMatch(/^graft train .*--filters 2/);
    }
    expect(existsSync(at('made', 'model.report.html')), 'folders are only read').toBe(false);
  });

  it('says what a job at work does, and which candidates were seen so far', () => {
    const job = {
      title: 'Adaptation',
      description: 'To b',
      models: {},
      classes: ['brain'],
      toleranceMm: 2,
      settings: {},
    };
    const out = at('now', 'b.safetensors');
    mkdirSync(at('now'));
    const how = { resume: false, tensorboard: false };
    const record = new JobRecord(out, how, { ...job, groupBy: undefined, seed: 1 }, ['graft', 'adapt']);
    expect(readdirSync(at('now')), 'a job that does nothing leaves nothing').toEqual([]);
    record.begin();
    const page = new JobPage(out);
    expect(page.read().running!.text).toBe('At work.');
    const before = page.mark();
    const seen = { volumeMl: 1, entropy: 0.5, agreement: 0.5, agreementWithSource: 1, departures: [] };
    for (const candidate of ['source', 'statistics'])
      record.log({ kind: 'look', target: 'b', method: 'udas', look: { candidate, ...seen } });
    const epoch = { kind: 'epoch', target: 'b', method: 'udas', task: 'udas on b', epochs: 5, values: { loss: 1 } };
    record.log({ ...epoch, epoch: 0 });
    expect(page.mark()).not.toBe(before);
    const { running, selections } = page.read();
    expect(running!.text).toBe('At work: udas on b, epoch 1 is done.');
    expect(selections!.map(({ kept, looks }) => [kept, looks.length])).toEqual([[undefined, 2]]);
    // From two epochs on it is known how long one takes.
    expect(running).not.toHaveProperty('model');
    record.log({ ...epoch, epoch: 1 });
    expect(page.read().running!.model!.left).toEqual([{ kind: 'epoch', count: 3 }]);
  });

  it('says which of several is meant, and where there is none', () => {
    const error = (place: string) => graft(['page', place, '--out', at('x.html'), '--json']).json().error;
    expect(error(at('other.safetensors'))).toMatchObject({ code: 'JOB_MISSING' });
    expect(error(at('data'))).toMatchObject({ code: 'RUN_MISSING' });
    for (const name of ['a', 'b']) copyFileSync(at('made', 'model.metrics.jsonl'), at(`${name}.metrics.jsonl`));
    expect(error(folder)).toMatchObject({
      ...{ code: 'JOBS_SEVERAL', hint: 'Name one of a.safetensors, b.safetensors.' },
    });
  });
});

describe.skipIf(!present)(title, () => {
  let browser: Browser;
  let server: ChildProcess | undefined;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    server?.kill('SIGKILL');
    await browser?.close();
  });

  it('follows a training from where it was stopped to its end', async () => {
    server = spawn(process.execPath, [...brief, main, 'page', at('made'), '--port', '0', '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    const { page, complaints } = await openPage(browser, JSON.parse(line.toString()).url);
    await page.getByText('It has not ended.').waitFor();
    await page.locator('#curves .uplot canvas').nth(1).waitFor();
    // Not in this process, which has to look at the page meanwhile.
    const done = graftUntil([...train(), ...network, ...training, '--resume'], 'SIGTERM', { task: /^never$/, step: 0 });
    await page.locator('#summary .headline').waitFor();
    expect((await done).status).toBe(0);
    expect(await page.locator('.state').textContent()).toBe('');
    // A single model is compared with nothing.
    expect(await page.locator('#cases tr[data-row] td').count()).toBe(1);
    expect(await page.locator('#cases select').count()).toBe(1);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows an adaptation while it works and how it ended, and afterwards the same from a file', async () => {
    const words = [...adapt(), '--out', at('adapted', 'philips.safetensors'), ...adapting, '--page', '--json'];
    const working = spawn(process.execPath, [...brief, main, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(working, 'close');
    let served = '';
    working.stdout.on('data', (chunk: Buffer) => {
      served += chunk;
    });
    while (!served.includes('"page: ')) await once(working.stdout, 'data');
    const live = await openPage(browser, /http:\/\/127\.0\.0\.1:\d+\//.exec(served)![0]);
    await live.page.getByText('Nothing is chosen yet.').waitFor();
    await live.page.locator('#summary .headline').waitFor();
    expect(await live.page.locator('#guard tr.kept').count()).toBe(1);
    expect((await ended)[0]).toBe(0);
    expect(live.complaints.filter((text) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED/.test(text))).toEqual([]);
    await live.page.close();

    const url = pathToFileURL(at('adapted', 'philips.report.html')).href;
    const { page, complaints, requests } = await openPage(browser, url, { colorScheme: 'dark' });
    const sections = await page.locator('section[id]').evaluateAll((all) => all.map(({ id }) => id));
    expect(sections).toEqual([
      ...['summary', 'cases', 'wins', 'statistics', 'images', 'guard', 'curves', 'provenance'],
    ]);
    const candidates = page.locator('#guard tbody tr');
    const names = await candidates.locator('th').allInnerTexts();
    expect(names.map((name) => name.replace(/^\W+/, '')).slice(0, 3)).toEqual([
      'source model',
      'new statistics',
      'epoch 1',
    ]);
    expect(names).toHaveLength(epochs + 2);
    expect(await page.locator('#guard tr.kept').count()).toBe(1);
    expect(await page.locator('#guard .verdict').textContent()).toMatch(/^Kept: /);
    await page.locator('#statistics select').selectOption('dice');
    expect(await page.locator('#statistics caption').first().textContent()).toBe('Statistics: Dice');
    // A case leads to its picture.
    await page.locator('#cases tr[data-row] a').first().click();
    expect(await page.locator('.case-images image').count()).toBe(3);
    await page.goBack();
    await page.locator('#guard').waitFor();
    expect(await faintTexts(page)).toEqual([]);
    expect([complaints, requests]).toEqual([[], [url]]);
    await page.close();
  });
});
