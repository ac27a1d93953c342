/**
 * From the start of a process to its end: `graft --help`, and `graft predict` of one small volume, beside a Python program
 * that imports torch for its own help, and that loads the same weights and predicts the same.
 */
import { join } from 'node:path';
import { compare, graft, inFolder, peerProgram } from '../harness.mjs';
import { prediction } from '../shared/prediction.mjs';

export const start = ({ python, threads, runs = 9 }) =>
  inFolder(async function* (folder) {
    const help = [() => graft(threads, ['--help']), () => peerProgram(python, 'predict.py', '--help')];
    yield await compare('help', help, { runs });
    yield await prediction('predict', join(folder, 'predict'), { python, threads, runs, ...unet });
  });

const unet = { family: 'unet2d', config: { filters: 16 }, volumes: 1, shape: [4, 128, 128] };
