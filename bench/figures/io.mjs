/**
 * Files that lie in the system's cache: the weights of a network of a gigabyte, from a safetensors file into its tensors,
 * beside copying the file (`copy`) and reading its bytes into memory (`read`); and a volume from .nii.gz beside Python's
 * gzip and numpy. bench/cache.mjs measures epochs over prepared slices.
 */
import { join } from 'node:path';
import { writeState } from '../../dist/nn/index.js';
import { Generator, operator, scope } from '../../dist/torch/index.js';
import { compare, inFolder, own, peer } from '../harness.mjs';
import { writeVolumes } from '../shared/models.mjs';

const rand = operator('aten::rand.generator');

/** Matrices as large as a transformer's, and what is left in one. */
function writeWeights(file, bytes) {
  scope(() => {
    const generator = new Generator(1);
    const one = rand([1280, 5120], { generator });
    const count = Math.floor(bytes / (4 * 1280 * 5120));
    const state = new Map(Array.from({ length: count }, (_, k) => [`blocks.${k}.weight`, one]));
    state.set('rest', rand([Math.max(1, bytes / 4 - count * 1280 * 5120)], { generator }));
    writeState(file, state);
  });
}

export const io = ({ python, runs = 7, bytes = 1e9, shape = [180, 256, 256] }) =>
  inFolder(async function* (folder) {
    const weights = join(folder, 'weights.safetensors');
    writeWeights(weights, bytes);
    for (const kind of ['copy', 'read'])
      yield await compare(
        `safetensors ${bytes / 1e6} MB / ${kind}`,
        [() => own('read-files.mjs', 'safetensors', weights), () => peer(python, 'read_files.py', kind, weights)],
        { runs },
      );
    const volume = join(writeVolumes(join(folder, 'images'), 1, shape), 'case0.nii.gz');
    const starts = [() => own('read-files.mjs', 'nifti', volume), () => peer(python, 'read_files.py', 'nifti', volume)];
    yield await compare(`nifti ${shape.join('×')}`, starts, { runs });
  });
