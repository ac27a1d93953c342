/** The report of a federated run: its parts, harmless text, and that a browser shows it whole without asking for anything. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { FederationReport } from '../../../src/report/index.js';
import { renderFederationReport } from '../../../src/report/index.js';

const sites = ['north', '<b>south</b>'];
const spread = (...values: number[]) => ({ mean: values.reduce((a, b) => a + b) / values.length, sd: 0.01, values });
const bySite = (value: number) =>
  Object.fromEntries([...sites, 'mean'].map((site, i) => [site, spread(value + 0.01 * i, value + 0.02 * i)]));
const scores = (value: number) => ({
  dice: bySite(value),
  surfaceDice: bySite(value - 0.1),
  classes: Object.fromEntries(sites.map((site) => [site, { head: spread(value), tail: spread(value - 0.05) }])),
});
const plan = (name: string, value: number, total: number) => ({
  ...{ name, label: name, trainedParameters: 1000, travellingParameters: 900 },
  regimes: { local: scores(value - 0.1), centralised: scores(value + 0.02), federated: scores(value) },
  localModels: bySite(value - 0.2),
  gain: bySite(0.1),
  traffic: {
    ...{ rounds: 2, down: total / 2, up: total / 2, total, perRound: total / 2 },
    reduction: { factor: 4e7 / total, against: 'measured' as const },
  },
});

function plausible(): FederationReport {
  const cell = { outcome: 'accepted' as const, down: 1000, up: 2000 };
  const late = { outcome: 'late' as const, down: 500, up: 2000 };
  const [width, height] = [12, 10];
  const mask = (label: number) => Uint8Array.from({ length: width * height }, (_, i) => (i % width > 4 ? label : 0));
  const series = ['local', 'federated'].map((name, i) => ({
    name,
    points: [
      [1, 0.2 + i],
      [2, 0.5 + i],
    ] as [number, number][],
  }));
  return {
    ...{
      title: 'T & U',
      description: 'D',
      provenance: { facts: [['graft', '0']], settings: [], files: [] },
      notes: ['N'],
    },
    headline: { sentence: 'full in rounds gains 0.1 Dice', more: ['It moved 20 MB a round and 40 MB in all.'] },
    summary: {
      ...{ toleranceMm: 2, seeds: [1, 2], sites, classes: ['head', 'tail'] },
      plans: [plan('flap-sam', 0.7, 1e6), plan('full', 0.75, 4e7)],
    },
    curves: [{ plan: 'flap-sam', charts: sites.map((title) => ({ title, xLabel: 'round', yLabel: 'Dice', series })) }],
    bytes: {
      title: 'B',
      xLabel: 'bytes',
      yLabel: 'Dice',
      xScale: 'bytes',
      series: [
        {
          name: 'flap-sam',
          points: [
            [5e5, 0.4],
            [1e6, 0.7],
          ],
        },
      ],
    },
    ledgers: [
      {
        ...{ plan: 'flap-sam', seed: 1 },
        rounds: [
          { round: 1, error: 0.01, cells: { north: cell, '<b>south</b>': late } },
          { round: 2, error: undefined, cells: { north: cell } },
        ],
      },
    ],
    images: {
      plan: 'full',
      groups: [
        {
          title: 'north',
          panels: [
            {
              ...{ which: 'best', name: 'c1', lines: ['Federated 0.8'] },
              slices: [
                {
                  ...{ plane: 'axial', width, height, pixelSpacing: [1, 1], image: new Uint8Array(width * height) },
                  masks: { truth: mask(1), local: mask(0), federated: mask(2) },
                  cut: ['federated'],
                },
              ],
            },
          ],
        },
      ],
    },
  };
}

describe('the report of a federation', () => {
  const text = renderFederationReport(plausible());

  it('says what is certain, for how many bytes, and what went wrong', () => {
    expect(text).toContain('<p class="headline">full in rounds gains 0.1 Dice</p>');
    expect(text).toMatch(/moved 20 MB a round and 40 MB in all\./);
    expect(text).toMatch(/flap-sam, seed 1, round 1: &lt;b&gt;south&lt;\/b&gt; late\./);
    expect(text).toMatch(/<td>\+0\.130 ± /);
    expect(text.match(/<tbody>/g)!.length).toBeGreaterThanOrEqual(6);
    expect(text).not.toContain('<b>south</b>');
  });

  it('escapes every text of users', () => {
    const evil = `<img src=x onerror="alert(1)">'&`;
    const words = new Set(['best', 'axial', 'accepted', 'late', 'measured', 'computed', 'bytes', 'federated', 'local']);
    const spoil = (value: unknown): unknown => {
      if (typeof value === 'string') return words.has(value) ? value : `${value}${evil}`;
      if (Array.isArray(value)) return value.map(spoil);
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
      const keyed = (key: string) => (sites.includes(key) || ['head', 'tail'].includes(key) ? `${key}${evil}` : key);
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [keyed(key), spoil(one)]));
    };
    const spoilt = renderFederationReport(spoil(plausible()) as FederationReport);
    expect(spoilt).not.toContain('<img');
    expect(spoilt).not.toMatch(/ onerror="/);
    expect(spoilt.split('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;').length).toBeGreaterThan(60);
  });

  it('adds the ledger up', () => {
    expect(text).toContain('<td><b>late</b> ↓ 500 B ↑ 2 kB</td><td>↓ 1.5 kB ↑ 4 kB</td>');
    expect(text).toMatch(/<tfoot>.*<td>↓ 2 kB ↑ 4 kB<\/td><td>↓ 500 B ↑ 2 kB<\/td><td>↓ 2.5 kB ↑ 6 kB<\/td>/s);
  });

  it('draws outlines of what there is, and leaves out sections without content', () => {
    expect(text).toContain('Local model: nothing in these slices.');
    expect(text).toContain('Federated model: more beyond the edge of the axial slice.');
    // Two structures: each has a colour, the same for everybody's outline, and the legend names both.
    expect(text).toMatch(/<\/svg> head<\/li>\s*<li>.*<\/svg> tail<\/li>/s);
    const strokes = [...text.matchAll(/<path class="(truth|federated)" stroke="([^"]+)" d="M\d+ \d+l/g)].map(
      (one) => one[2],
    );
    expect(new Set(strokes).size).toBe(2);
    const bare = renderFederationReport({ ...plausible(), images: undefined, ledgers: [], curves: [] });
    expect(bare).not.toMatch(/id="(images|ledger|curves)"/);
    expect(renderFederationReport(plausible())).toBe(text);
  });

  const executablePath = '/usr/bin/chromium';
  it.skipIf(!existsSync(executablePath))('opens in a browser without requests, complaints or overflow', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'graft-federation-report-'));
    writeFileSync(join(folder, 'report.html'), text);
    const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      const [complaints, requests]: string[][] = [[], []];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('request', (request) => requests.push(request.url()));
      const file = pathToFileURL(join(folder, 'report.html')).href;
      await page.goto(file);
      expect(await page.title()).toBe('T & U');
      expect(await page.locator('svg.chart').count()).toBe(4);
      expect(await page.locator('table').count()).toBe(6);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      await page.locator('#ledger summary').first().click();
      expect(await page.locator('#ledger table').isVisible()).toBe(false);
      expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([file]);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
