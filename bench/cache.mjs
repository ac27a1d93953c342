/**
 * What the cache of prepared slices gives and takes: `npm run build && node bench/cache.mjs [CASES]`.
 *
 * CASES (default 16) synthetic CT volumes of 64×256×256 with labels, as .nii.gz. Three processes read them and draw two
 * epochs of shuffled batches of 16 slices: from memory, through an empty cache, and through the same cache again. Printed
 * are the time until all slices are there, the speed of each epoch, and the greatest memory of the process (Linux):
 * "own" is what it must have, "mapped" are pages of the cache's files, which the system drops when others need the memory.
 *
 * With less memory than the set: systemd-run --user --scope -p MemoryMax=700M -p MemorySwapMax=0 node bench/cache.mjs 64
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { random } from '../dist/core/index.js';
import {
  cachedSlices,
  loadSlices,
  preprocessingSchema,
  readDataset,
  SlicePool,
  writeVolume,
} from '../dist/data/index.js';
import { scope } from '../dist/torch/index.js';

const shape = [64, 256, 256];
const batch = 16;
const preprocessing = preprocessingSchema.parse({ intensity: { kind: 'window', low: -200, high: 300 } });

/** A bright ball in noise. */
function makeCase(root, name) {
  const stream = random(1, name);
  // Of a prime length, so that it does not repeat from row to row and packs as badly as an image's does.
  const noise = Int16Array.from({ length: 999983 }, () => stream.integer(64));
  const [data, label] = [
    new Int16Array(shape[0] * shape[1] * shape[2]),
    new Uint8Array(shape[0] * shape[1] * shape[2]),
  ];
  let i = 0;
  for (let z = 0; z < shape[0]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[2]; x++, i++) {
        const inside = (4 * (z - 32)) ** 2 + (y - 128) ** 2 + (x - 128) ** 2 < 80 ** 2;
        data[i] = (inside ? 150 : -50) + noise[i % noise.length];
        label[i] = inside ? 1 : 0;
      }
  const affine = [0.8, 0, 0, 0, 0, 0.8, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1];
  writeVolume(join(root, 'site', 'images', `${name}.nii.gz`), { data, shape, affine });
  writeVolume(join(root, 'site', 'labels', `${name}.nii.gz`), { data: label, shape, affine });
}

/** The greatest memory since the start, in bytes; sampled, since Linux notes the greatest of the sum alone. */
const peak = { own: 0, mapped: 0 };
function sample() {
  if (!existsSync('/proc/self/status')) return;
  const status = readFileSync('/proc/self/status', 'utf8');
  const value = (key) => 1024 * Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  peak.own = Math.max(peak.own, value('RssAnon'));
  peak.mapped = Math.max(peak.mapped, value('RssFile'));
}

async function fromCache(cases, folder) {
  const reading = cachedSlices(cases, preprocessing, { folder, classes: 2 });
  for (;;) {
    const { done, value } = await reading.next();
    if (done) return value;
  }
}

/** What one process does. */
async function measure(root, folder) {
  const timer = setInterval(sample, 10);
  const { cases } = readDataset(root).sites[0];
  const started = performance.now();
  const slices = folder ? await fromCache(cases, folder) : loadSlices(cases, preprocessing, { classes: 2 });
  const ready = performance.now() - started;
  clearInterval(timer);
  sample();
  const pool = new SlicePool(slices);
  const bytes = slices.reduce((sum, { images, labels }) => sum + 4 * images.size + labels.length, 0);
  const epochs = [1, 2].map((epoch) => {
    const begun = performance.now();
    for (const { take } of pool.epoch(batch, random(1, epoch))) {
      scope(() => void take());
      sample();
    }
    return performance.now() - begun;
  });
  console.log(JSON.stringify({ ready, epochs, bytes, peak }));
}

const [mode, root, folder] = process.argv.slice(2);
if (mode === 'measure') await measure(root, folder);
else {
  const count = Number(mode ?? 16);
  const home = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  try {
    for (let i = 0; i < count; i++) makeCase(join(home, 'data'), `case${i}`);
    const sizes = (below) =>
      readdirSync(below, { recursive: true }).reduce((sum, name) => sum + statSync(join(below, name)).size, 0);
    const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
    console.log(
      `${count} volumes of ${shape.join('×')}, ${mb(sizes(join(home, 'data')))} as files, ${availableParallelism()} processors`,
    );
    const kept = join(home, 'cache');
    for (const [name, ...given] of [['in memory'], ['empty cache', kept], ['filled cache', kept]]) {
      const { status, signal, stdout } = spawnSync(
        process.execPath,
        [fileURLToPath(import.meta.url), 'measure', join(home, 'data'), ...given],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
      );
      if (status !== 0) {
        console.log(`${name.padEnd(13)} was ended by ${signal ?? `exit code ${status}`}`);
        continue;
      }
      const { ready, epochs, bytes, peak: most } = JSON.parse(stdout);
      const speeds = epochs.map((time) => `${(bytes / 1e6 / time).toFixed(2)} GB/s`);
      console.log(
        `${name.padEnd(13)} ${mb(bytes)} of slices ready after ${(ready / 1000).toFixed(1).padStart(5)} s; ` +
          `epochs at ${speeds.join(' and ')}; most memory: ${mb(most.own)} own, ${mb(most.mapped)} mapped`,
      );
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
