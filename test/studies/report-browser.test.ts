/** The report in a real browser: it opens from the disk, asks the network for nothing, and shows its parts. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../src/report/index.js';
import { plausibleReport } from './report-data.js';

const executablePath = '/usr/bin/chromium';
const present = existsSync(executablePath);
const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(!present)(present ? 'in Chromium' : `in Chromium (skipped: no ${executablePath})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-report-'));
  const file = pathToFileURL(join(folder, 'report.html')).href;
  let browser: Browser;

  beforeAll(async () => {
    const data = plausibleReport();
    data.images.groups[0]!.panels[0]!.name =
      '<script>document.title = "taken"</script><img src=x onerror="document.title=\'taken\'">';
    writeFileSync(join(folder, 'report.html'), renderReport(data));
    browser = await chromium.launch({ executablePath, args });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['light', 'dark'] as const)('shows everything in %s, without errors or requests', async (colorScheme) => {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(file);

    expect(await page.title()).toBe('Brain extraction across scanners: unsupervised adaptation');
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.locator('table caption').count()).toBe(4);
    expect(await page.locator('svg.chart').count()).toBe(4);
    expect(await page.locator('.panel svg').count()).toBe(12);
    expect(await page.locator('.panel svg image').count()).toBe(36);
    expect(await page.locator('script, .case img').count()).toBe(0);
    // The slices were decoded: decoding anything else rejects.
    const widths =
      await page.evaluate(`Promise.all([...document.querySelectorAll('.panel image')].map(async (element) => {
      const image = new Image();
      image.src = element.getAttribute('href');
      await image.decode();
      return image.naturalWidth;
    }))`);
    expect(widths).toEqual(new Array(36).fill(256));
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(paper).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 24, 28)');
    expect((await page.screenshot({ fullPage: true, timeout: 100_000 })).length).toBeGreaterThan(50_000);

    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([file]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('fits a telephone', async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
    await page.goto(file);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect((await page.locator('.panel svg').first().boundingBox())!.width).toBeGreaterThan(600);
    await page.close();
  });

  it('draws slices in physical proportions', async () => {
    const page = await browser.newPage();
    await page.goto(file);
    // 256 x 256 pixels of 1.2 mm x 0.8 mm are half as high again as wide.
    const box = await page.locator('.panel').last().locator('image').first().boundingBox();
    expect(box!.height / box!.width).toBeCloseTo(1.5, 1);
    await page.close();
  });

  it('prints', async () => {
    const page = await browser.newPage({ colorScheme: 'dark' });
    await page.goto(file);
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await page.close();
  });
});
