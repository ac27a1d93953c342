/**
 * All surface measures of a pair of masks of 180×256×256 voxels beside numpy and scipy: "typical" are organs a few voxels
 * apart, "full" ones that nearly fill the volume, "far" a full one against a small one in its corner.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../../dist/core/index.js';
import { surfelAreas } from '../../dist/metrics/surfels.js';
import { compare, inFolder, largestDifference, own, peer, stepRow } from '../harness.mjs';

const spacing = [2, 0.9, 0.9];

/** An ellipsoid with a bumpy and noisy surface. @param centre and radii as shares of the volume's sides */
function organ(shape, centre, radii, bumps, seed) {
  const noise = Float32Array.from(
    { length: 99991 },
    (() => {
      const stream = random(seed, 'noise');
      return () => 0.04 * (stream.uniform() - 0.5);
    })(),
  );
  const mask = new Uint8Array(shape[0] * shape[1] * shape[2]);
  const at = (i, axis) => (i / shape[axis] - centre[axis]) / radii[axis];
  let i = 0;
  for (let z = 0; z < shape[0]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[2]; x++, i++) {
        const edge = 1 + bumps * Math.sin(x / 5) * Math.sin(y / 7) * Math.cos(z / 6) + noise[i % noise.length];
        mask[i] = at(z, 0) ** 2 + at(y, 1) ** 2 + at(x, 2) ** 2 <= edge ? 1 : 0;
      }
  return mask;
}

const middle = [0.5, 0.5, 0.5];
const pairs = {
  typical: [
    [middle, [0.33, 0.33, 0.27], 0.04],
    [[0.505, 0.496, 0.508], [0.34, 0.33, 0.275], 0.06],
  ],
  full: [
    [middle, [0.5, 0.5, 0.5], 0.05],
    [[0.49, 0.49, 0.505], [0.495, 0.495, 0.495], 0],
  ],
  far: [
    [middle, [0.5, 0.5, 0.5], 0.05],
    [[0.1, 0.23, 0.23], [0.045, 0.03, 0.03], 0],
  ],
};
/** How the peer sorts surface elements: as published, Python's tuples, or as quickly as numpy can. */
const all = [
  ['typical', 'published'],
  ['typical', 'lexsort'],
  ['full', 'published'],
  ['far', 'published'],
];

export const surface = ({ python, runs = 5, shape = [180, 256, 256], variants = all }) =>
  inFolder(async function* (folder) {
    // The areas of the 256 neighbourhoods; test/golden compares them with the published table.
    writeFileSync(join(folder, 'setup.json'), JSON.stringify({ shape, spacing, areas: [...surfelAreas(spacing)] }));
    for (const [pair, sorting] of variants) {
      const masks = pairs[pair].map((parts, k) => {
        const file = join(folder, `${pair}${k}`);
        writeFileSync(file, organ(shape, ...parts, k));
        return file;
      });
      yield await compare(
        `${pair} / ${sorting}`,
        [() => own('surface.mjs', folder, ...masks), () => peer(python, 'surface.py', folder, ...masks, sorting)],
        { runs },
        (samples) => ({ ...stepRow(samples), difference: largestDifference(samples) }),
      );
    }
  });
