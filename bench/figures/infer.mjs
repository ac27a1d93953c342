/**
 * `graft predict` of a folder of ten volumes with an adapter, reading and writing included, beside a plain loop in Python.
 * Segment Anything's peer predicts a window of five slices about every slice, as FLAP-SAM's evaluation does (`published`),
 * or every slice once, as graft does (`once`); the masks are the same.
 */
import { join } from 'node:path';
import { samConfig } from '../../dist/networks/sam/index.js';
import { inFolder } from '../harness.mjs';
import { prediction } from '../shared/prediction.mjs';

const unet = { family: 'unet2d', config: { filters: 8 }, volumes: 10, shape: [12, 128, 128] };
const sam = (size, side, volumes, slices) => {
  const config = samConfig(size, { imageSize: side, classes: 2 });
  return { family: 'sam', config, volumes, shape: [slices, side, side] };
};
const all = {
  unet2d: unet,
  'sam-small / published': { ...sam('sam-small', 128, 10, 5), overlap: true },
  'sam-small / once': sam('sam-small', 128, 10, 5),
  'sam-vit-b / published': { ...sam('sam-vit-b', 224, 2, 5), overlap: true },
};

export const infer = ({ python, threads, runs = 5, variants = all }) =>
  inFolder(async function* (folder) {
    for (const [i, [variant, one]] of Object.entries(variants).entries())
      yield await prediction(variant, join(folder, String(i)), { python, threads, runs, ...one });
  });
