/**
 * How much memory "graft predict" takes beside its model: the peak of a process that predicts a volume, less that of one
 * that predicts a tiny volume, over the volume's bytes as float32.
 *
 *   npm run build && node bench/predict-memory.mjs [SLICES] [SIDE] [FILTERS]     (default: 300 512 4)
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeVolume } from '../dist/data/index.js';
import { unet2d } from '../dist/networks/unet2d/index.js';
import { Segmenter, saveSegmenter } from '../dist/segmenter/index.js';

const [slices = 300, side = 512, filters = 4] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'graft-predict-memory-'));
const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

function write(name, [z, y, x]) {
  const data = Int16Array.from({ length: z * y * x }, (_, i) => ((i * 2654435761) >>> 22) + (i % x > x / 3 ? 500 : 0));
  const path = join(folder, `${name}.nii.gz`);
  writeVolume(path, { data, shape: [z, y, x], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] });
  return path;
}

/** Peak of the resident memory in bytes. */
function peakOf(image) {
  const program = `process.argv.splice(1, 1, ${JSON.stringify(main)});
    process.on('exit', () => process.stderr.write('PEAK ' + process.resourceUsage().maxRSS + '\\n'));
    await import(${JSON.stringify(main)});`;
  const args = ['predict', model, image, '--out', join(folder, 'masks'), '--quiet'];
  const { stderr, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program, '--', main, ...args],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return 1024 * Number(/PEAK (\d+)/.exec(stderr)[1]);
}

const model = join(folder, 'model.safetensors');
const network = new Segmenter({ family: unet2d, config: { inChannels: 1, outChannels: 1, filters } });
network.initialise(1);
saveSegmenter(model, network);
network.dispose();

try {
  const bytes = 4 * slices * side * side;
  const base = peakOf(write('tiny', [2, 16, 16]));
  const peak = peakOf(write('volume', [slices, side, side]));
  const megabytes = (value) => `${(value / 1e6).toFixed(0)} MB`;
  console.log(`volume ${slices} x ${side} x ${side}, float32: ${megabytes(bytes)}`);
  console.log(`peak ${megabytes(peak)}, of which the engine and the model ${megabytes(base)}`);
  console.log(`beside the model: ${((peak - base) / bytes).toFixed(2)} times the volume`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
