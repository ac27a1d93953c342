import { randomBytes } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axisOver } from '../../src/report/axis.js';
import { contourPath, type Loop, traceMask } from '../../src/report/contour.js';
import { change, fixed, kilobytes, shorten, thousands } from '../../src/report/format.js';
import {
  encodeGroups,
  type PageData,
  type Panel,
  type PanelGroup,
  readPageFile,
  renderPageFile,
} from '../../src/report/index.js';
import { isEmpty, packLabels, unpackLabels } from '../../src/report/labels.js';
import { html } from '../../src/report/markup.js';
import { encodePng } from '../../src/report/png.js';
import { drawn, ellipse, heads, plausiblePage } from './report-data.js';

describe('PNG', () => {
  it('gives back the pixels', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.infiniteStream(fc.nat(255)),
        (w, h, s) => {
          const pixels = Uint8Array.from({ length: w * h }, () => s.next().value);
          expect(decodePng(encodePng(pixels, w, h))).toEqual({ width: w, height: h, pixels });
        },
      ),
    );
  });

  it('has the colour type of its samples, and their rows in order', () => {
    const pixels = Uint8Array.from({ length: 3 * 2 * 3 }, (_, i) => 7 * i);
    const file = encodePng(pixels, 3, 2, 3);
    expect([...file.subarray(24, 26)]).toEqual([8, 2]);
    const rows = inflateSync(file.subarray(41, 41 + file.readUInt32BE(33)));
    expect([...rows]).toEqual([0, ...pixels.subarray(0, 9), 0, ...pixels.subarray(9)]);
  });

  it('ends as every PNG does, its checksum known', () => {
    const end = encodePng(Uint8Array.of(0), 1, 1).subarray(-12).toString('hex');
    expect(end).toBe('0000000049454e44ae426082');
  });

  it('refuses pixels that do not fill the image', () => {
    expect(() => encodePng(new Uint8Array(5), 2, 3)).toThrow('expected 2 x 3 = 6 pixels, found 5');
  });
});

describe('labels', () => {
  it('are packed as runs, which unpacking gives back and which never leave the slice', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200, max: 3 }), (labels) => {
        expect(unpackLabels(packLabels(labels), labels.length)).toEqual(labels);
        expect(isEmpty(packLabels(labels))).toBe(labels.every((label) => label === 0));
      }),
    );
    expect(packLabels(Uint8Array.of(0, 0, 2))).toBe('2 0 1 2');
    expect([...unpackLabels('zzzz 1', 3)]).toEqual([1, 1, 1]);
  });
});

describe('contours', () => {
  const maskOf = fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
    .chain(([w, h]) =>
      fc.tuple(fc.constant(w), fc.constant(h), fc.uint8Array({ min: 0, max: 1, minLength: w * h, maxLength: w * h })),
    );
  const area = (loop: Loop) =>
    loop.reduce(
      (sum, [x, y], i) => sum + (x * loop[(i + 1) % loop.length]![1] - y * loop[(i + 1) % loop.length]![0]) / 2,
      0,
    );

  it('enclose exactly the area of the mask, along every edge once', () => {
    fc.assert(
      fc.property(maskOf, ([w, h, mask]) => {
        const loops = traceMask(mask, w, h);
        const at = (x: number, y: number) => (x < 0 || y < 0 || x >= w || y >= h ? 0 : mask[y * w + x]!);
        let edges = 0;
        for (let y = 0; y <= h; y++) {
          for (let x = 0; x <= w; x++) edges += Number(at(x, y) !== at(x - 1, y)) + Number(at(x, y) !== at(x, y - 1));
        }
        expect(loops.reduce((sum, loop) => sum + area(loop), 0)).toBe(mask.reduce((sum, value) => sum + value, 0));
        expect(loops.flat()).toHaveLength(edges);
        for (const loop of loops) {
          loop.forEach(([x, y], i) => {
            const [nextX, nextY] = loop[(i + 1) % loop.length]!;
            expect(Math.abs(nextX - x) + Math.abs(nextY - y)).toBe(1);
          });
        }
      }),
    );
  });

  it('run the other way round a hole, and keep pixels that touch at a corner apart', () => {
    const ring = Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 1);
    expect(traceMask(ring, 3, 3).map(area)).toEqual([9, -1]);
    expect(traceMask(Uint8Array.of(1, 0, 0, 1), 2, 2).map(area)).toEqual([1, 1]);
    expect(traceMask(new Uint8Array(9), 3, 3)).toEqual([]);
  });

  it('become a path through the middles of edges, in half pixels', () => {
    expect(contourPath(traceMask(Uint8Array.of(1), 1, 1))).toBe('M1 0l1 1l-1 1l-1 -1z');
    // Two pixels in a row: straight pieces are one line.
    expect(contourPath(traceMask(Uint8Array.of(1, 1), 2, 1))).toBe('M1 0l2 0l1 1l-1 1l-2 0l-1 -1z');
  });

  it('of a whole brain are short', () => {
    expect(contourPath(traceMask(ellipse(256, 256, [128, 128], [80, 100]), 256, 256)).length).toBeLessThan(4000);
  });
});

describe('axes', () => {
  it('have round ticks that cover the values', () => {
    expect(axisOver([0.71, 0.88]).ticks.map((tick) => Number(tick.toFixed(2)))).toEqual([0.7, 0.75, 0.8, 0.85, 0.9]);
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const axis = axisOver(values);
        expect(axis.ticks.length).toBeGreaterThan(1);
        expect(axis.ticks.length).toBeLessThan(9);
        for (const value of values) {
          expect(axis.position(value)).toBeGreaterThanOrEqual(-1e-6);
          expect(axis.position(value)).toBeLessThanOrEqual(1 + 1e-6);
        }
      }),
    );
  });

  it('count epochs in whole numbers and learning rates in powers of ten', () => {
    const epochs = axisOver([1, 2, 3], { tight: true, smallestStep: 1 });
    expect(epochs.ticks.map(epochs.label)).toEqual(['1', '2', '3']);
    const rates = axisOver([0, 1e-4]);
    expect(rates.ticks.map(rates.label)).toContain('0.4 × 10⁻⁴');
  });

  it('exist without values', () => {
    expect(axisOver([Number.NaN]).ticks.length).toBeGreaterThan(1);
  });
});

describe('numbers', () => {
  it('are written in one way', () => {
    expect(fixed(0.5)).toBe('0.500');
    expect(fixed(-0.0104)).toBe('−0.010');
    expect(fixed(-0.0001)).toBe('0.000');
    expect([fixed(Number.NaN), fixed(Number.POSITIVE_INFINITY)]).toEqual(['n/a', '∞']);
    expect([thousands(0), thousands(999), thousands(24_305_729)]).toEqual(['0', '999', '24,305,729']);
    expect([kilobytes(18_432), kilobytes(97_234_512)]).toEqual(['18.4', '97,235']);
    expect(shorten('Philips', 4)).toBe('Phi…');
  });

  it('differ by what a reader computes from the printed ones', () => {
    expect(change(0.8086, 0.6583)).toBe('+0.151'); // 0.809 - 0.658, though exactly 0.1503
    expect(change(0.5, 0.5004)).toBe('0.000');
    expect(change(0.5, 0.51)).toBe('−0.010');
  });
});

describe('the page', () => {
  const data = plausiblePage();
  const page = drawn(data);

  it('draws what needs nothing from elsewhere and runs nothing', () => {
    expect(page).not.toMatch(/https?:/i);
    expect(page).not.toMatch(/<script|<iframe|@import|url\(| style="/i);
    const links = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]!);
    expect(links.filter((link) => !link.startsWith('data:') && !link.startsWith('#'))).toEqual([]);
  });

  it('is small: 36 slices, even of pure noise, stay below 2.2 MB', () => {
    const noisy = heads();
    for (const { image } of panelsOf(noisy).flatMap(({ slices }) => slices)) image.set(randomBytes(image.length));
    expect(Buffer.byteLength(renderPageFile(plausiblePage({ groups: noisy })).text)).toBeLessThan(2.2e6);
  });

  it('is a file that is the same for the same data, and gives them back', () => {
    const { text } = renderPageFile(data);
    expect(renderPageFile(plausiblePage()).text).toBe(text);
    expect(readPageFile(text)).toEqual(data);
    expect(data.cases!.rows.some(({ values }) => values[1]!.includes(Number.POSITIVE_INFINITY))).toBe(true);
    expect(readPageFile('<html></html>')).toBeUndefined();
    expect(() => readPageFile(text.replace('"notes":[', '"notes":[1,'))).toThrow('expected string');
  });

  it('names program and style by their digests, and holds no text that ends the data', () => {
    const { text, policy } = renderPageFile({ ...data, title: '</script><script>alert(1)</script>' });
    expect(text).not.toContain('<script>alert');
    expect(text.match(/<\/script>/g)).toHaveLength(2);
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; img-src data: blob:; base-uri/,
    );
  });

  it('has links to what exists, and one of each id', () => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]!);
    expect(new Set(ids).size).toBe(ids.length);
    for (const match of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(match[1]);
  });

  it('escapes every text', () => {
    const evil = `<script>alert("1")</script>'&`;
    const [first] = panelsOf(heads(16));
    const { scores } = data;
    const bad: PageData = {
      ...{ title: evil, description: evil, notes: [evil] },
      provenance: {
        facts: [[evil, evil]],
        command: evil,
        settings: [[evil, evil]],
        files: [{ name: evil, sha256: evil }],
      },
      scores: {
        ...{ toleranceMm: 1, scored: evil, targets: [evil] },
        methods: [{ ...scores!.methods[0]!, name: evil, label: evil }],
        scores: [{ ...scores!.scores[0]!, target: evil, method: evil, kept: evil, guard: evil }],
      },
      curves: [{ charts: [{ title: evil, xLabel: evil, yLabel: evil, series: [{ name: evil, points: [[0, 1]] }] }] }],
      images: {
        ...{ about: evil, outlined: ['truth', 'source', 'adapted'], classes: [evil, evil] },
        groups: encodeGroups([{ title: evil, panels: [{ ...first!, name: evil, lines: [evil, evil] }] }]),
      },
    };
    const text = drawn(bad);
    expect(text).not.toContain('<script');
    expect(text).not.toContain('alert("1")');
    expect(text.split('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;').length).toBeGreaterThan(25);
    expect(html`${['<', html`<b>`]}${undefined}`.text).toBe('&lt;<b>');
  });
});

describe('image panels', () => {
  it('name the sides of every slice, and say which outline is missing or empty', () => {
    const [first] = panelsOf(heads(16));
    const slices = first!.slices.map((slice) => ({
      ...slice,
      masks: { source: new Uint8Array(slice.image.length), adapted: slice.masks.adapted! },
    }));
    const text = drawn(showing([{ ...first!, slices }]));
    expect([...text.matchAll(/<text class="side"[^>]*>([A-Z])</g)].map(([, letter]) => letter).join('')).toBe('RLRLAP');
    expect(text).toContain('image left is the patient’s right');
    expect(readable(text)).toContain('Reference: none. Source model: nothing in these slices.');
    expect(readable(text)).toContain('Adapted 0.940 Source 0.790, change +0.150');
    slices[0]!.masks.source[0] = 1;
    const partly = readable(drawn(showing([{ ...first!, slices }])));
    expect(partly).toContain('Source model: nothing in the coronal and sagittal slice.');
  });

  it('have a scale bar of a round length, at the scale of the slices', () => {
    const text = drawn(showing(panelsOf(heads(256)).slice(0, 1)));
    const [, width] = /class="slices" viewBox="0 0 ([\d.]+)/.exec(text)!;
    expect(Number(width)).toBeCloseTo(3 * 256 * (1 + (2 / 3) * 3 * 0.012), 0); // three slices of 256 mm and two gaps
    expect(text).toMatch(/class="scale" d="M[\d.]+ [\d.]+h50"/);
    expect(text).toContain('>50 mm</text>');
  });

  it('show the best first and the worst last, whatever the order given', () => {
    const text = drawn(showing(panelsOf(heads(16)).slice(0, 3).toReversed()));
    const order = [...text.matchAll(/<b class="which">(\w+)</g)].map((match) => match[1]);
    expect(order).toEqual(['best', 'median', 'worst']);
  });
});

describe('tables and headline', () => {
  const score = (target: string, method: string, surfaceDice: number[]) => ({
    target,
    method,
    surfaceDice,
    dice: surfaceDice,
    kept: 'adapted',
  });
  const small: NonNullable<PageData['scores']> = {
    toleranceMm: 2,
    methods: [
      { name: 'source', label: 'Source', trainedParameters: 0, adapterBytes: null },
      { name: 'lora', label: 'ConvLoRA', trainedParameters: 47_104, adapterBytes: 196_608 },
    ],
    targets: ['A', 'B'],
    scores: [
      score('A', 'source', [0.7, 0.7]),
      score('A', 'lora', [0.8, 0.9]),
      score('B', 'source', [0.6, 0.6]),
      { ...score('B', 'lora', [0.5, 0.6]), kept: 'source', guard: 'It collapsed.' },
    ],
  };
  const render = (changes: Partial<typeof small> = {}) =>
    readable(drawn({ title: 'T', description: 'D', notes: [], scores: { ...small, ...changes } }));

  it('have mean ± standard deviation over seeds, the best marked, means, and costs', () => {
    const text = render();
    expect(text).toContain('Surface Dice at a tolerance of 2 mm');
    expect(text).toContain('A | 0.700 ± 0.000 | 0.850 ± 0.071 ★ |');
    expect(text).toContain('B | 0.600 ± 0.000 ★ | 0.550 ± 0.071 a |');
    // Over seeds of the mean over targets: 0.65 and 0.75.
    expect(text).toContain('Mean over targets | 0.650 ± 0.000 | 0.700 ± 0.071 ★ |');
    expect(text).toContain('Trained parameters | 0 | 47,104 |');
    expect(text).toContain('Adapter size (kB) | – | 197 |');
    expect(text).not.toContain('Adaptation time');
    expect(text).toContain('B, ConvLoRA. Source model kept. It collapsed.');
  });

  it('do not compare means over different targets', () => {
    const text = render({ scores: small.scores.slice(0, 3) });
    expect(text).toContain('B | 0.600 ± 0.000 | – |');
    expect(text).toContain('Mean over targets | 0.650 ± 0.000 | – |');
  });

  it('mark equal values alike, and the lower distance as the better', () => {
    const scores = small.scores.map((item) => ({
      ...item,
      surfaceDice: [0.5],
      hausdorff95: [item.method === 'lora' ? 3 : Number.POSITIVE_INFINITY],
    }));
    const text = render({ scores });
    expect(text).toContain('A | 0.500 ★ | 0.500 ★ |');
    expect(text).toContain('A | ∞ | 3.00 |');
    expect(
      render({ scores: scores.map((item) => ({ ...item, hausdorff95: [item.method === 'lora' ? 3 : 4] })) }),
    ).toContain('A | 4.00 | 3.00 ★ |');
  });

  it('are there also where nothing was scored', () => {
    expect(render({ targets: [], methods: [], scores: [] })).toContain('not computed');
  });
});

const panelsOf = (groups: readonly PanelGroup[]) => groups.flatMap(({ panels }) => panels);

/** A page with these panels only. */
const showing = (panels: Panel[]): PageData => plausiblePage({ groups: [{ title: 'A', panels }] });

/** Text as read: cells end in ' |', tags and line breaks are gone. */
function readable(page: string): string {
  return page
    .replace(/<\/t[dh]>/g, ' | ')
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ');
}

/** Reads 8-bit grey PNGs without filters. */
function decodePng(file: Buffer): { width: number; height: number; pixels: Uint8Array } {
  const data: Buffer[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  }
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  expect([...file.subarray(24, 29)]).toEqual([8, 0, 0, 0, 0]);
  const rows = inflateSync(Buffer.concat(data));
  expect(rows).toHaveLength(height * (width + 1));
  return { width, height, pixels: Uint8Array.from(rows).filter((_, i) => i % (width + 1) > 0) };
}
