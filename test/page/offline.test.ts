/** The page as a file, in a real browser: it opens from the disk, asks the network for nothing, and shows its parts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareMethods } from '../../src/compare/index.js';
import { renderPageFile } from '../../src/report/index.js';
import { comparisonPage } from '../../src/studies/index.js';
import { cases, entry } from '../compare/scored.js';
import { plausibleFederation } from '../studies/federation/page-data.js';
import { heads, plausiblePage } from '../studies/report-data.js';
import { faintTexts, launch, openPage, overflow, present, title } from './browser.js';

describe.skipIf(!present)(title, () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-page-'));
  const at = (name: string) => pathToFileURL(join(folder, name)).href;
  let browser: Browser;

  beforeAll(async () => {
    const groups = heads();
    groups[0]!.panels[0]!.name =
      '<script>document.title = "taken"</script><img src=x onerror="document.title=\'taken\'">';
    const large = plausiblePage({ groups: [], count: 10_000 });
    large.curves = [
      {
        charts: [
          {
            ...{ title: 'Long', xLabel: 'step', yLabel: 'loss' },
            series: [{ name: 'a', points: Array.from({ length: 100_000 }, (_, i) => [i, 1 / (1 + i / 1000)]) }],
          },
        ],
      },
    ];
    const shown = plausiblePage({ groups });
    const [panel] = shown.images!.groups[1]!.panels;
    panel!.caseName = shown.cases!.rows[1]!.name;
    panel!.spots = [12.5, 6].map((mm, i) => ({ mm, slices: shown.images!.groups[1]!.panels[1 + i]!.slices }));
    const low = cases([0.61, 0.72, 0.55, 0.8, 0.69, 0.74, 0.58, 0.66]);
    const high = cases([0.71, 0.82, 0.65, 0.9, 0.79, 0.84, 0.68, 0.76]);
    const entries = [entry('<b>low</b>', low), entry('high', high)];
    const comparisons = (['dice', 'surfaceDice'] as const).map((measure) => compareMethods(entries, { measure }));
    const compared = comparisonPage(entries, comparisons, ['runs/a']);
    for (const [name, data] of Object.entries({ run: shown, federation: plausibleFederation(), large, compared }))
      writeFileSync(join(folder, `${name}.html`), renderPageFile(data).text);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['light', 'dark'] as const)('shows everything in %s, without errors or requests', async (colorScheme) => {
    const { page, complaints, requests } = await openPage(browser, at('run.html'), { colorScheme });
    expect(await page.title()).toBe('Brain extraction across scanners: unsupervised adaptation');
    expect(await page.locator('h1').count()).toBe(1);
    const sections = await page.locator('section[id]').evaluateAll((all) => all.map(({ id }) => id));
    expect(sections).toEqual([
      'summary',
      'limits',
      'cases',
      'wins',
      'scores',
      'overview',
      'images',
      'guard',
      'curves',
      'provenance',
    ]);
    expect(await page.locator('#scores table caption').count()).toBe(3);
    expect(await page.locator('#overview svg.chart').count()).toBe(1);
    await page.locator('#curves').scrollIntoViewIfNeeded();
    await page.locator('#curves .uplot canvas').nth(2).waitFor();
    expect(await page.locator('.panel svg image').count()).toBe(36);
    expect(await page.locator('.panel img, .panel script').count()).toBe(0);
    // The slices were decoded: decoding anything else rejects.
    const widths =
      await page.evaluate(`Promise.all([...document.querySelectorAll('.panel image')].map(async (element) => {
      const image = new Image();
      image.src = element.getAttribute('href');
      await image.decode();
      return image.naturalWidth;
    }))`);
    expect(widths).toEqual(new Array(36).fill(256));
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(paper).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 24, 28)');
    expect(await faintTexts(page)).toEqual([]);
    expect(requests).toEqual([at('run.html')]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows a federated run: regimes, bytes and what a round costs, ledger', async () => {
    const { page, complaints, requests } = await openPage(browser, at('federation.html'), { colorScheme: 'dark' });
    const sections = await page.locator('section[id]').evaluateAll((all) => all.map(({ id }) => id));
    expect(sections).toEqual([
      'summary',
      'limits',
      'sites',
      'rounds',
      'scores',
      'images',
      'bytes',
      'curves',
      'aggregation',
      'ledger',
      'journal',
      'provenance',
    ]);
    const site = page.locator('.standing tbody tr').nth(1);
    expect(await site.textContent()).toMatch(
      /^<b>south<\/b>training, round 2[\d.e+]+ h ago30 minabout 30 min112 kBThe update has another/,
    );
    // Two rounds an hour apart are done, two are left.
    expect(await page.locator('#rounds p').textContent()).toContain('2 of 4 rounds were trained here. About 2 h left.');
    expect(await page.locator('#rounds tbody tr').allInnerTexts()).toEqual([
      '3\t2026-01-01 03:00:00\t–\t–\t–\t–',
      '2\t2026-01-01 02:00:00\t30 min\t1 kB\t2 kB\t0.500',
      '1\t2026-01-01 01:00:00\t30 min\t1 kB\t2 kB\t1.000',
    ]);
    await page.getByPlaceholder('act, site').fill('update');
    expect(await page.locator('#journal tr[data-row]').allTextContents()).toEqual([
      '2026-01-01 00:00:00update.accepted<b>south</b>round 1',
    ]);
    // 1 MB in two rounds at two sites: 250 kB a round and site, which 2 Mbit/s carry in a second.
    const [costs] = await page.locator('#round-costs tbody tr').allInnerTexts();
    expect(costs!.split('\t')).toEqual(['flap-sam', '250 kB', '1 s', '100 ms', '10 ms']);
    // Who goes another way comes first and is marked, also in the round that is chosen and in its address.
    const drifting = page.locator('#aggregation tr[data-row="0"]');
    expect(await drifting.textContent()).toBe('<b>south</b>-0.2505.00drifts: another direction2 of 2');
    await page.locator('#aggregation select').selectOption('1');
    expect(await drifting.textContent()).toContain('-0.5005.00');
    const again = await openPage(browser, page.url());
    expect(await again.page.locator('#aggregation tr[data-row="0"]').textContent()).toContain('-0.5005.00');
    await again.page.close();
    expect(await page.locator('#layer-norms tbody tr').first().allInnerTexts()).toEqual([
      'encoder.0\t3.0\t3.0\t3.0\t3.0',
    ]);
    expect(await page.locator('#site-cosines .loss').count()).toBe(3);
    await page.locator('#aggregation').scrollIntoViewIfNeeded();
    await page.locator('#aggregation .uplot canvas').nth(1).waitFor();
    await page.locator('#ledger summary').first().click();
    expect(await page.locator('#ledger table').isVisible()).toBe(false);
    expect(await page.locator('#ledger b b, #scores b').count()).toBe(0);
    expect(await faintTexts(page)).toEqual([]);
    expect([complaints, requests]).toEqual([[], [at('federation.html')]]);
    await page.close();
  });

  it('shows methods side by side by every measure that was asked for', async () => {
    const { page, complaints, requests } = await openPage(browser, at('compared.html'));
    const sections = await page.locator('section[id]').evaluateAll((all) => all.map(({ id }) => id));
    expect(sections).toEqual(['cases', 'wins', 'statistics']);
    const tested = page.locator('.wins tbody td').nth(1);
    expect(await tested.textContent()).toBe('+0.100 (+0.100 to +0.100)');
    await page.locator('#wins select').nth(1).selectOption('surfaceDice');
    expect(await tested.textContent()).toBe('+0.050 (+0.050 to +0.050)');
    const caption = page.locator('#statistics caption').first();
    expect(await caption.textContent()).toBe('Statistics: Dice');
    await page.locator('#statistics select').selectOption('surfaceDice');
    expect(await caption.textContent()).toBe('Statistics: surface Dice at 2 mm');
    expect(await page.locator('#statistics tbody th').first().textContent()).toBe('<b>low</b>');
    expect(await page.locator('main b').count()).toBe(0);
    expect(await faintTexts(page)).toEqual([]);
    expect([complaints, requests]).toEqual([[], [at('compared.html')]]);
    await page.close();
  });

  it.each(['run', 'federation', 'large', 'compared'])('fits a telephone: %s', async (name) => {
    const { page } = await openPage(browser, at(`${name}.html`), { viewport: { width: 360, height: 740 } });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    if (name === 'run') expect((await page.locator('.panel svg').first().boundingBox())!.width).toBeGreaterThan(600);
    await page.close();
  });

  it('draws slices in physical proportions', async () => {
    const { page } = await openPage(browser, at('run.html'));
    // 256 x 256 pixels of 1.2 mm x 0.8 mm are half as high again as wide.
    const box = await page.locator('.panel').last().locator('image').first().boundingBox();
    expect(box!.height / box!.width).toBeCloseTo(1.5, 1);
    await page.close();
  });

  it('prints', async () => {
    const { page } = await openPage(browser, at('run.html'), { colorScheme: 'dark' });
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await page.close();
  });

  it('leads through ten thousand cases with the keyboard, and back', async () => {
    const { page, complaints } = await openPage(browser, at('large.html'));
    const rows = page.locator('#cases tr[data-row]');
    const value = async (row: string) => Number(await page.locator(`tr[data-row="${row}"] td`).nth(1).textContent());
    expect(await rows.count()).toBeLessThan(60);
    const worst = await value('0');
    expect(worst).toBeLessThanOrEqual(await value('1'));
    await rows.first().locator('a').focus();
    await page.keyboard.press('End');
    await page.locator('tr[data-row="9999"] a:focus').waitFor();
    expect(await value('9999')).toBeGreaterThan(worst);
    await page.keyboard.press('ArrowUp');
    await page.locator('tr[data-row="9998"] a:focus').waitFor();
    expect(await rows.count()).toBeLessThan(60);

    await page.getByPlaceholder('site or case').fill('case-00ff');
    expect(await rows.count()).toBe(1);
    expect(await page.locator('#cases .key').textContent()).toContain('1 of 10000 cases');
    await page.getByPlaceholder('site or case').fill('');
    await page.locator('#cases select').nth(2).selectOption('hausdorff95');
    expect(await page.locator('tr[data-row="0"] td').nth(1).textContent()).toBe('∞');

    await rows.first().locator('a').click();
    await page.getByText('1 of 10000').waitFor();
    const first = await page.locator('h1').textContent();
    await page.keyboard.press('ArrowRight');
    await page.getByText('2 of 10000').waitFor();
    expect(await page.locator('h1').textContent()).not.toBe(first);
    await page.reload();
    await page.getByText('2 of 10000').waitFor();
    await page.goBack();
    await page.getByText('1 of 10000').waitFor();
    expect(await page.locator('h1').textContent()).toBe(first);
    await page.goBack();
    await page.locator('#cases').waitFor();
    expect(await page.locator('#cases select').nth(2).inputValue()).toBe('hausdorff95');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('counts wins from the cases, shows why the guard chose, and saves tables', async () => {
    const { page } = await openPage(browser, at('run.html'));
    const [first] = await page.locator('.wins tbody tr').allInnerTexts();
    expect(first).toMatch(/^AdaBN/);
    const numbers = await page.locator('.wins tbody tr').first().locator('.win-bar .number').allInnerTexts();
    expect(numbers.map(Number).reduce((a, b) => a + b)).toBeLessThanOrEqual(32);
    const guard = await page.locator('#guard').textContent();
    expect(guard).toContain('The predicted volume left the range of the source domain.');
    expect(guard).toContain('not in 1100.0 to 1600.0');
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save cases.csv' }).click();
    const file = join(folder, 'cases.csv');
    await (await saving).saveAs(file);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines[0]).toBe('site,case,model,surfaceDice,hausdorff95');
    expect(lines).toHaveLength(1 + 32 * 5);
    await page.close();
  });

  it('shows the pictures of a case beside its scores', async () => {
    const { page } = await openPage(browser, at('run.html'));
    await page.getByRole('link', { name: 'Philips 1.5 T case-0001' }).click();
    expect(await page.locator('.case-images image').count()).toBe(3);
    expect(await page.locator('.case table tbody tr').count()).toBe(5);
    // What is off by up to 9 mm has every colour of the scale.
    expect(
      new Set(await page.locator('.heat').evaluateAll((all) => all.map((one) => one.getAttribute('fill')))).size,
    ).toBe(5);
    const before = await page.locator('.case-images image').first().getAttribute('href');
    await page.keyboard.press('n');
    await page.getByText('1 of 2: 12.5 mm off').waitFor();
    expect(await page.locator('.case-images image').first().getAttribute('href')).not.toBe(before);
    await page.keyboard.press('p');
    await page.getByText('2 of 2: 6.0 mm off').waitFor();
    expect(await faintTexts(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.locator('#cases').waitFor();
    await page.close();
  });
});
