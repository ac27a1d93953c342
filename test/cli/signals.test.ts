/** A signal ends long work soon, wherever it stands, and leaves no half-written file. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noteReference } from '../../src/adapt/index.js';
import { runWithoutPauses } from '../../src/core/index.js';
import { loadSlices, preprocessingSchema, writeVolume } from '../../src/data/index.js';
import { saveSegmenter } from '../../src/segmenter/index.js';
import { unetSegmenter } from '../segmenters.js';
import { main } from './graft.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-signals-'));
const at = (...path: string[]) => join(folder, ...path);

/** Enough that predicting a case takes many seconds: [z, y, x]. */
const shape: [number, number, number] = [160, 192, 192];

function writeCase(path: string, [nz, ny, nx]: typeof shape): void {
  const data = new Int16Array(nz * ny * nx);
  for (let z = 0, i = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++)
        data[i] = Math.hypot(z - nz / 2, y - ny / 2, x - nx / 2) < ny / 3 ? 500 : i % 97;
  writeVolume(path, { data, shape: [nz, ny, nx], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] });
}

beforeAll(() => {
  writeCase(at('data', 'target', 'images', 'large.nii'), shape);
  writeCase(at('small.nii'), [2, 16, 16]);
  const preprocessing = preprocessingSchema.parse({});
  const model = unetSegmenter({ inChannels: 1, outChannels: 1, filters: 8 }, { preprocessing });
  model.initialise(1);
  const small = loadSlices([{ site: 's', name: 'small', image: at('small.nii') }], preprocessing, { classes: 2 });
  runWithoutPauses(noteReference(model, small, 2));
  saveSegmenter(at('model.safetensors'), model);
  model.dispose();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Sends SIGTERM some time after the work began. @returns seconds from there to the end */
async function interrupted(args: string[], delay: number): Promise<{ status: number | null; seconds: number }> {
  const child = spawn(process.execPath, [main, ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.resume();
  await setTimeout(delay);
  const started = performance.now();
  child.kill('SIGTERM');
  return { status: await ended, seconds: (performance.now() - started) / 1000 };
}

/** Wide: machines that test many things at once are slow. On an idle one it is below a second. */
const soon = 8;

it.each([0, 1500])(
  'predict ends soon after a signal that comes %i ms after it began, without a mask',
  async (delay) => {
    const out = at(`masks ${delay}`);
    const images = at('data', 'target', 'images', 'large.nii');
    const { status, seconds } = await interrupted(['predict', at('model.safetensors'), images, '--out', out], delay);
    expect(status).toBe(130);
    expect(seconds).toBeLessThan(soon);
    expect(existsSync(out) ? readdirSync(out).filter((name) => name !== 'volumes.csv') : []).toEqual([]);
  },
);

it.each([200, 2500])(
  'adapt ends soon after a signal that comes %i ms after it began, without an adapter',
  async (delay) => {
    const out = at(`adapted ${delay}`, 'adapter.safetensors');
    const args = ['adapt', at('model.safetensors'), at('data'), '--site', 'target', '--out', out];
    const { status, seconds } = await interrupted(args, delay);
    expect(status).toBe(130);
    expect(seconds).toBeLessThan(soon);
    const left = existsSync(at(`adapted ${delay}`)) ? readdirSync(at(`adapted ${delay}`)) : [];
    expect(left.filter((name) => !name.endsWith('.ckpt'))).toEqual([]);
  },
);
