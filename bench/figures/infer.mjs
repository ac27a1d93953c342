/**
 * `graft predict` of a folder of ten volumes with an adapter, reading and writing included, beside a plain loop in Python.
 * Segment Anything's peer predicts a window of five slices about every slice, as FLAP-SAM's evaluation does (`published`),
 * or every slice once, as graft does (`once`); the masks are the same.
 */
import { join } from 'node:path';
import { samConfig } from '../../dist/networks/sam/index.js';
import { inFolder } from '../harness.mjs';
import { prediction } from '../shared/prediction.mjs';

const unet = { family: 'unet2d', config: { filters: 16 }, volumes: 10, shape: [24, 192, 192] };
const sam = (size, volumes, slices) => {
  const config = samConfig(size, { imageSize: 224, classes: 2 });
  return { family: 'sam', config, volumes, shape: [slices, 224, 224] };
};
const all = {
  unet2d: unet,
  'sam-small / published': { ...sam('sam-small', 10, 10), overlap: true },
  'sam-small / once': sam('sam-small', 10, 10),
  'sam-vit-b / published': { ...sam('sam-vit-b', 2, 5), overlap: true },
};

export const infer = ({ python, threads, runs = 5, variants = all }) =>
  inFolder(async function* (folder) {
    for (const [i, [variant, one]] of Object.entries(variants).entries())
      yield await prediction(variant, join(folder, String(i)), { python, threads, runs, ...one });
  });
