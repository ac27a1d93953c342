/** `graft predict` of a folder of volumes beside a plain loop in Python: a row of a figure. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readLabel } from '../../dist/data/index.js';
import { compare, graft, peerProgram, stepRow } from '../harness.mjs';
import { writeModel, writeVolumes } from './models.mjs';

const adapters = {
  unet2d: { plan: 'convlora', adapter: {} },
  sam: { plan: 'flap-sam', adapter: { rank: 32 } },
};

/**
 * @param options family and config of the network, how many volumes of which shape, and whether the peer predicts every
 * window of slices (`overlap`)
 */
export function prediction(
  variant,
  folder,
  { python, threads, runs, family, config, volumes, shape, overlap = false },
) {
  const images = writeVolumes(join(folder, 'images'), volumes, shape);
  const { model, adapter } = writeModel(folder, family, config, adapters[family]);
  const [own, theirs] = ['graft', 'peer'].map((name) => join(folder, name));
  const given = [model, images, '--adapter', adapter, '--out', own, '--overwrite', '--quiet'];
  const peers = [model, adapter, images, theirs, '--threads', threads, ...(overlap ? ['--overlap'] : [])];
  return compare(
    variant,
    [() => graft(threads, ['predict', ...given]), () => peerProgram(python, 'predict.py', ...peers)],
    { runs },
    (samples) => ({ ...stepRow(samples), ...compared(readdirSync(images), own, theirs) }),
  );
}

/** The shares of voxels that are labelled, and that both label alike. */
function compared(names, ...folders) {
  let [labelled, alike, all] = [0, 0, 0];
  for (const name of names) {
    const [a, b] = folders.map((folder) => readLabel(join(folder, name)).data);
    for (let i = 0; i < a.length; i++) {
      if (a[i] !== 0) labelled++;
      if (a[i] === b[i]) alike++;
    }
    all += a.length;
  }
  return { labelled: Number((labelled / all).toPrecision(3)), alike: Number((alike / all).toPrecision(6)) };
}
