/**
 * The benchmarks: each imports what the compiled package has, and figures give a row of their smallest size, or say what
 * their peer lacks. What they measure is seen by running them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { compiled, root } from './child.js';

const folder = join(root, 'bench');
const benches = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.mjs'));

it.each(benches)('%s imports what is there', async (bench) => {
  const text = readFileSync(join(folder, bench), 'utf8');
  const imports = [...text.matchAll(/^import \{([^}]*)\} from '(?:\.\.\/)+dist\/([^']+)';/gm)];
  // Helpers of the benchmarks import each other alone.
  if (!bench.includes('/') && bench !== 'harness.mjs' && bench !== 'aggregate-memory.mjs')
    expect(imports).not.toEqual([]);
  for (const [, list, file] of imports) {
    const module: object = await import(compiled(file));
    expect([file, (list.match(/\w+/g) ?? []).filter((name) => !(name in module))]).toEqual([file, []]);
  }
});

type Row = { variant: string; skipped?: string } & Record<string, unknown>;
type Figure = (options: object) => AsyncGenerator<Row>;

const unet = { family: 'unet2d', config: { filters: 2 }, volumes: 1, shape: [2, 16, 16] };
const step = { statistics: 'ema', filters: 2, batch: 1 };
const smallest: Record<string, [sizes: object, gives: string[]]> = {
  'adapt-step': [{ variants: [step], size: 16 }, ['ratio']],
  aggregate: [{ size: 'sam-tiny', sites: [2] }, ['ratio', 'updatesInProcess']],
  infer: [{ variants: { unet } }, ['ratio', 'alike']],
  io: [{ bytes: 4e5, shape: [2, 8, 8] }, ['ratio']],
  scale: [{ sites: [2, 4], slices: [] }, ['ms', 'megabytes']],
  start: [{}, ['ratio']],
  surface: [{ shape: [8, 16, 16], variants: [['typical', 'published']] }, ['ratio', 'difference']],
};

it.each(Object.entries(smallest))('%s gives a row or says what is missing', async (name, [sizes, gives]) => {
  const figure = (await figures())[name];
  for await (const row of figure({ python: 'python3', threads: 1, runs: 1, ...sizes })) {
    if (row.skipped === undefined) expect(Object.keys(row)).toEqual(expect.arrayContaining(['variant', ...gives]));
    else expect(row.skipped).toMatch(/\S/);
    break;
  }
});

const figures = async (): Promise<Record<string, Figure>> =>
  (await import(pathToFileURL(join(folder, 'figures/index.mjs')).href)).figures;
