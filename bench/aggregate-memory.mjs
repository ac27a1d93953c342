/**
 * Memory and time of closing a round of many sites: `npm run build && node bench/aggregate-memory.mjs [--sites 6,100,1000]
 * [--aggregations mean,product-svd] [--compression none] [--wire fp32]
 * [--robust none]`. Linux alone: memory is read from /proc.
 *
 * Updates of the plan `flap-sam` on SAM's ViT-B (two classes, rank 32, 1.85 million numbers) with random values; eight
 * differ, and the sites share them, so what is read comes from the system's file cache. Closing a round is what the
 * coordinator does when the last update is there: hashes of the kept files are compared, tensors aggregated, the next
 * global state made and kept. Each count runs in a process of its own, on one thread. Printed are, in updates and beside
 * what is held with the global state loaded:
 *
 * - tensors: the most that JavaScript holds whenever a tensor of an update is read, the new global state included
 * - process: the peak of the process's own memory (VmHWM, which is forgotten before), with garbage that was not
 *   collected, the allocator's gaps and the rooms of libtorch's kernels
 *
 * docs/results.md has the figures.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Blobs } from '../dist/federate/blobs.js';
import { GlobalState } from '../dist/federate/global.js';
import { encodePayload, federationSchema, inProcess, wireFormats } from '../dist/federate/index.js';
import { send } from '../dist/federate/wire/index.js';
import { Generator, memoryStatistics, operator, setThreads } from '../dist/torch/index.js';
import { flapSam } from './shared/flap-sam.mjs';

const randn = operator('aten::randn.generator');
const distinct = 8;

/** Puts a global state and updates into a folder of blobs. @param {Map<string, number[]>} shapes */
function prepare(folder, shapes, config) {
  const label = { base: 'bench', plan: 'flap-sam', config };
  const blobs = new Blobs(folder);
  const generator = new Generator(1);
  const make = () => new Map([...shapes].map(([name, shape]) => [name, randn(shape, { generator }).mul(0.02)]));
  const state = GlobalState.begin(label, make()).keep(blobs, 0);
  const format = wireFormats[config.wire];
  const updates = Array.from({ length: distinct }, (_, k) => {
    const metadata = { site: `site ${k}`, round: '1', base: 'bench', plan: 'flap-sam' };
    const { coded } = send(make(), format, new Map());
    const { bytes, length } = encodePayload(coded, format, metadata, config.compression);
    return blobs.put([bytes], length);
  });
  return { label, state, updates };
}

/** Kilobytes that the process has of its own, and the most that it had since the peak was forgotten; pages of files apart. */
function memory() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const [now, most, files] = ['RssAnon', 'VmHWM', 'RssFile'].map((key) =>
    Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)[1]),
  );
  return { now, most: most - files };
}

/** In the child: closes one round and prints what it took. */
async function measure(folder, count) {
  setThreads(1);
  const { label, big, small } = JSON.parse(readFileSync(join(folder, 'setup.json'), 'utf8'));
  const roundOf = ({ state, updates }, sites) => ({
    ...{ state, round: 1 },
    updates: Array.from({ length: sites }, (_, k) => ({
      ...{ site: `${k}`, weight: 1 / sites },
      blob: updates[k % distinct],
    })),
  });
  const computation = inProcess({ folder, label });
  // The code is loaded and run once, with tensors of a few numbers.
  await computation.aggregate(roundOf(small, 60));
  await computation.tensors(big.state);
  globalThis.gc();
  const held = memoryStatistics().bytes;
  let tensors = 0;
  const format = wireFormats[label.config.wire];
  const { decode } = format;
  format.decode = (coded) => {
    tensors = Math.max(tensors, memoryStatistics().bytes - held);
    return decode(coded);
  };
  writeFileSync('/proc/self/clear_refs', '5'); // forgets the peak
  const { now } = memory();
  const started = performance.now();
  await computation.aggregate(roundOf(big, count));
  const seconds = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ tensors, grown: 1024 * (memory().most - now), seconds }));
}

function main() {
  const { values } = parseArgs({
    options: {
      sites: { type: 'string', default: '6,100,1000' },
      aggregations: { type: 'string', default: 'mean,product-svd' },
      robust: { type: 'string', default: 'none' },
      compression: { type: 'string', default: 'none' },
      wire: { type: 'string', default: 'fp32' },
    },
  });
  const counts = values.sites.split(',').map(Number);
  const shapes = flapSam();
  const bytes = 4 * [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  console.log(`${shapes.size} tensors, ${(bytes / 1e6).toFixed(2)} MB an update`);
  const few = new Map(Object.entries({ lora_A: [2, 8], lora_B: [8, 2], bias: [8] }));
  for (const aggregation of values.aggregations.split(',')) {
    const folder = mkdtempSync(join(tmpdir(), 'graft-aggregate-'));
    try {
      const { wire, compression, robust } = values;
      const config = federationSchema.parse({ aggregation, wire, compression, robust });
      const { label, ...big } = prepare(folder, shapes, config);
      const { state, updates } = prepare(folder, few, config);
      writeFileSync(join(folder, 'setup.json'), JSON.stringify({ label, big, small: { state, updates } }));
      const lines = counts.map((count) => ({ count, seconds: inChild(folder, aggregation, count, bytes) }));
      if (lines.length > 1) console.log(`${aggregation.padEnd(12)} ${fit(lines)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Closes a round of so many sites in a process of its own and prints a line; gives the seconds. */
function inChild(folder, aggregation, count, bytes) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--expose-gc', '--max-semi-space-size=1', fileURLToPath(import.meta.url), 'measure', folder, String(count)],
    { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1' } },
  );
  if (status !== 0) throw new Error(stderr);
  const { tensors, grown, seconds } = JSON.parse(stdout);
  const [held, most] = [tensors, grown].map((value) => (value / bytes).toFixed(2).padStart(6));
  console.log(
    `${aggregation.padEnd(12)} ${String(count).padStart(5)} sites   tensors ${held}   process ${most}   ` +
      `${seconds.toFixed(2).padStart(7)} s   ${((1000 * seconds) / count).toFixed(1).padStart(6)} ms a site`,
  );
  return seconds;
}

/** Least squares of seconds over sites. */
function fit(lines) {
  const mean = (of) => lines.reduce((sum, line) => sum + of(line), 0) / lines.length;
  const [x, y] = [mean(({ count }) => count), mean(({ seconds }) => seconds)];
  const slope = mean(({ count, seconds }) => (count - x) * (seconds - y)) / mean(({ count }) => (count - x) ** 2);
  const start = y - slope * x;
  const rest = mean(({ count, seconds }) => (seconds - start - slope * count) ** 2);
  const all = mean(({ seconds }) => (seconds - y) ** 2);
  return `seconds = ${start.toFixed(2)} + ${slope.toFixed(4)} · sites, R² ${(1 - rest / all).toFixed(5)}`;
}

if (process.argv[2] === 'measure') await measure(process.argv[3], Number(process.argv[4]));
else main();
