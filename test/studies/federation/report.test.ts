/** What is drawn of a federated run: its tables, harmless text, outlines, ledgers. */
import { describe, expect, it } from 'vitest';
import { lineChart } from '../../../src/report/chart.js';
import { imagePanels } from '../../../src/report/images.js';
import { html, type PageData } from '../../../src/report/index.js';
import { incidents, ledgerTable } from '../../../src/report/ledger.js';
import { classTable, scoreTable, surfaceTable, trafficTable } from '../../../src/report/regimes.js';
import { plausibleFederation, sites } from './page-data.js';

/** What the page's views draw, without a browser. */
const drawn = ({ regimes, ledgers = [], images, moved }: PageData): string =>
  html`${regimes && [scoreTable(regimes), classTable(regimes), surfaceTable(regimes), trafficTable(regimes.plans)]}${
    moved && lineChart(moved)
  }${images && imagePanels(images)}${incidents(ledgers)}${ledgers.map((one) => ledgerTable(one, regimes!.sites))}`.text;

describe('the page of a federated run', () => {
  const text = drawn(plausibleFederation());

  it('says for how many bytes, and what went wrong', () => {
    expect(text).toMatch(/<td>20 MB<\/td>.*<td>40 MB<\/td>/);
    expect(text).toMatch(/flap-sam, seed 1, round 1: &lt;b&gt;south&lt;\/b&gt; late\./);
    expect(text).toMatch(/<td>\+0\.130 ± /);
    expect(text.match(/<tbody>/g)!.length).toBeGreaterThanOrEqual(6);
    expect(text).not.toContain('<b>south</b>');
  });

  it('escapes every text of users', () => {
    const evil = `<img src=x onerror="alert(1)">'&`;
    const words = new Set([
      'truth',
      'best',
      'axial',
      'accepted',
      'late',
      'measured',
      'computed',
      'bytes',
      'federated',
      'local',
    ]);
    const spoil = (value: unknown): unknown => {
      if (typeof value === 'string') return words.has(value) ? value : `${value}${evil}`;
      if (Array.isArray(value)) return value.map(spoil);
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
      const keyed = (key: string) => (sites.includes(key) || ['head', 'tail'].includes(key) ? `${key}${evil}` : key);
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [keyed(key), spoil(one)]));
    };
    const spoilt = drawn(spoil(plausibleFederation()) as PageData);
    expect(spoilt).not.toContain('<img');
    expect(spoilt).not.toMatch(/ onerror="/);
    expect(spoilt.split('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;').length).toBeGreaterThan(40);
  });

  it('adds the ledger up', () => {
    expect(text).toContain('<td><b>late</b> ↓ 500 B ↑ 2 kB</td><td>↓ 1.5 kB ↑ 4 kB</td>');
    expect(text).toMatch(/<tfoot>.*<td>↓ 2 kB ↑ 4 kB<\/td><td>↓ 500 B ↑ 2 kB<\/td><td>↓ 2.5 kB ↑ 6 kB<\/td>/s);
  });

  it('draws outlines of what there is, and keeps the colours of structures', () => {
    expect(text).toContain('Local model: nothing in these slices.');
    expect(text).toContain('Federated model: more beyond the edge of the axial slice.');
    // Two structures: each has a colour, the same for everybody's outline, and the legend names both.
    expect(text).toMatch(/<\/svg> head<\/li>\s*<li>.*<\/svg> tail<\/li>/s);
    const strokes = [...text.matchAll(/<path class="(truth|federated)" stroke="([^"]+)" d="M\d+ \d+l/g)].map(
      (one) => one[2],
    );
    expect(new Set(strokes).size).toBe(2);
  });
});
