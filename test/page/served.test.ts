/** The page of a run that works: served by the command, followed in a real browser, and refused to others. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPageFile } from '../../src/report/index.js';
import { brief } from '../child.js';
import { graft, graftProcess, main } from '../cli/graft.js';
import { graftUntil, writeRecipe } from '../studies/tiny.js';
import { launch, openPage, present, title } from './browser.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-served-'));
const at = (...path: string[]) => join(folder, ...path);
const run = () => ['run', at('tiny.yaml'), '--out', at('run')];
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  writeRecipe(folder);
  // Both models of the source are scored; of the first that is adapted an epoch is done.
  const stopped = await graftUntil(run(), 'SIGTERM', { task: /^seed 1: UDAS on philips-t2$/, step: 1 });
  expect(stopped.status).toBe(130);
  server = spawn(process.execPath, [...brief, main, 'page', at('run'), '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(server.stdout!, 'data')) as [Buffer];
  url = JSON.parse(line.toString()).url;
});
afterAll(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The status of an answer to a request with these headers. */
const asked = (path: string, headers: Record<string, string>) =>
  new Promise<number>((resolve, reject) => {
    request(new URL(path, url), { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    })
      .on('error', reject)
      .end();
  });

it('is given to this machine under its own names only', async () => {
  expect(new URL(url).hostname).toBe('127.0.0.1');
  expect(await asked('/', {})).toBe(200);
  expect(await asked('/', { host: 'localhost' })).toBe(200);
  expect(await asked('/data.json', { host: 'hospital.example.org' })).toBe(403);
  expect(await asked('/data.json', { origin: 'https://example.org' })).toBe(403);
  expect(await asked('/data.json', { 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await asked('/../../package.json', {})).toBe(404);
  expect(await asked('/inputs.json', {})).toBe(404);
  expect(await asked('/case.json?site=philips-t2&name=nobody', {})).toBe(404);
  expect(await asked('/case.json?site=philips-t2&name=x&at=1,2', {})).toBe(400);
});

describe.skipIf(!present)(title, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch({ graphics: true });
  });
  afterAll(() => browser?.close());

  it('follows the run from where it stopped to its end, survives a reload, and says when graft is gone', async () => {
    const { page, complaints } = await openPage(browser, url);
    await page.getByText('1 of 3 models are trained and scored').waitFor();
    expect(await page.locator('#cases tr[data-row]').count()).toBe(2);
    expect(await page.locator('#wins').count()).toBe(0);

    const working = graftUntil([...run(), '--resume', '--page'], 'SIGTERM', { task: /^never$/, step: 0 });
    await page.getByText(/Left: .*about [\d.]+ \w+ in all/).waitFor();
    await page.locator('#summary .headline').waitFor();
    const { status, stdout } = await working;
    expect(status).toBe(0);
    // What runs with --page serves itself, too.
    expect(stdout).toMatch(/"page: http:\/\/127\.0\.0\.1:\d+\/"/);
    expect(await page.locator('.wins tbody tr').count()).toBe(2);
    expect(await page.locator('.panel image').count()).toBe(6);
    await page.getByText('models are trained and scored').waitFor({ state: 'detached' });

    // A case that the report has no place for: any slice of it, and where the model is furthest off.
    await page.locator('#cases tr[data-row] a').first().click();
    await page.locator('.slices .cross').first().waitFor();
    const axial = page.getByRole('slider', { name: 'Axial' });
    await page.keyboard.press('n');
    await page.getByText(/^1 of \d+: [\d.]+ mm off$/).waitFor();
    await page.locator('.slices .heat').first().waitFor();
    await page.keyboard.press('h');
    await page.locator('.slices .heat').first().waitFor({ state: 'detached' });
    await page.locator('g[data-plane=coronal] image').click({ position: { x: 20, y: 5 } });
    expect(Number(await axial.inputValue())).toBeGreaterThan(0);
    const drawn = page.waitForResponse((answer) => answer.url().includes('/case/heat.nii') && answer.ok());
    await page.getByText('Turn it in three dimensions').click();
    await drawn;
    await page.locator('.volume').getByText('Drag to turn').waitFor();
    await axial.fill('1');
    await page.getByLabel('Whole volume').check();
    await page.waitForFunction("document.querySelector('.sliders input').min === '0'");
    await page.goBack();
    await page.locator('#cases').waitFor();
    await page.reload();
    await page.locator('#summary .headline').waitFor();
    expect(complaints).toEqual([]);

    server.kill('SIGTERM');
    const [code] = (await once(server, 'exit')) as [number];
    expect(code).toBe(130);
    await page.getByText('graft no longer answers').waitFor();
    expect(await page.locator('#cases tr[data-row]').count()).toBe(2);
    await page.close();
  });
});

describe('graft page', () => {
  it('writes a file of several runs, and of an unfinished one', async () => {
    await graftUntil(['run', at('tiny.yaml'), '--out', at('other')], 'SIGTERM', { task: /UDAS/, step: 1 });
    expect(graft(['page', at('other'), '--out', at('other.html')]).status).toBe(0);
    const unfinished = readPageFile(readFileSync(at('other.html'), 'utf8'))!;
    expect(unfinished.notes[0]).toContain('1 of 3 models');
    expect(unfinished.cases!.rows[0]!.name).toMatch(/^case-[0-9a-f]{4}$/);
    expect(existsSync(at('other', 'report.html')), 'folders are only read').toBe(false);

    expect(graft(['page', at('other'), at('other'), '--out', at('both.html')]).status).toBe(0);
    expect(readPageFile(readFileSync(at('both.html'), 'utf8'))!.cases!.models).toHaveLength(1);
  });

  it('says what is wrong with what it is given', () => {
    const { status, stderr } = graftProcess(['page', folder]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('is not the folder of a run')]);
    const damaged = graftProcess(['page', at('tiny.yaml'), '--out', at('x.html')]);
    expect([damaged.status, damaged.stderr]).toEqual([3, expect.stringContaining('it holds no data of a page')]);
  });
});
