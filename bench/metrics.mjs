/**
 * How long the surface measures of a whole volume take: `npm run build && node bench/metrics.mjs`.
 *
 * Pairs of 180×256×256 voxels of 1 mm: "typical" are brain-sized ellipsoids a few voxels apart, "full" ones that nearly
 * fill the volume, "far" a full one against a small one in its corner. Prints the median of several runs, one thread.
 */
import { averageSurfaceDistance, dice, robustHausdorff, surfaceDice, surfaceDistances } from '../dist/metrics/index.js';

const shape = [180, 256, 256];
const spacing = [1, 1, 1];
const runs = 5;

/** An ellipsoid with a bumpy surface, as a segmented organ has. */
function organ(center, radii, bumps) {
  const mask = new Uint8Array(shape[0] * shape[1] * shape[2]);
  let i = 0;
  for (let z = 0; z < shape[0]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[2]; x++, i++) {
        const [u, v, w] = [(z - center[0]) / radii[0], (y - center[1]) / radii[1], (x - center[2]) / radii[2]];
        const edge = 1 + bumps * Math.sin(x / 5) * Math.sin(y / 7) * Math.cos(z / 6);
        mask[i] = u * u + v * v + w * w <= edge ? 1 : 0;
      }
  return mask;
}

const pairs = {
  typical: [organ([90, 128, 128], [60, 85, 70], 0.04), organ([91, 127, 130], [61, 84, 71], 0.06)],
  full: [organ([89.5, 127.5, 127.5], [90, 128, 128], 0.05), organ([88, 126, 129], [89, 127, 127], 0)],
  far: [organ([89.5, 127.5, 127.5], [90, 128, 128], 0.05), organ([20, 60, 60], [8, 8, 8], 0)],
};

for (const [name, [truth, prediction]] of Object.entries(pairs)) {
  const times = [];
  let line = '';
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    const overlap = dice(truth, prediction);
    const distances = surfaceDistances(truth, prediction, shape, spacing);
    const measures = [surfaceDice(distances, 1), robustHausdorff(distances, 95)];
    const { symmetric } = averageSurfaceDistance(distances);
    times.push(performance.now() - start);
    const elements = distances.truthToPrediction.areas.length + distances.predictionToTruth.areas.length;
    line =
      `${elements} surface elements, Dice ${overlap.toFixed(4)}, surface Dice ${measures[0].toFixed(4)}, ` +
      `Hausdorff 95 ${measures[1].toFixed(2)} mm, average ${symmetric.toFixed(3)} mm`;
  }
  const median = times.sort((a, b) => a - b)[runs >> 1];
  console.log(`${name.padEnd(8)} ${median.toFixed(0).padStart(5)} ms  (${line})`);
}
