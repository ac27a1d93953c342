/** All measures of a pair of masks. Usage: surface.mjs FOLDER TRUTH PREDICTION, as figures/surface.mjs writes them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  averageSurfaceDistance,
  dice,
  robustHausdorff,
  surfaceDice,
  surfaceDistances,
} from '../../dist/metrics/index.js';
import { serve } from './worker.mjs';

const [folder, ...files] = process.argv.slice(2);
const { shape, spacing } = JSON.parse(readFileSync(join(folder, 'setup.json'), 'utf8'));
const [truth, prediction] = files.map((file) => new Uint8Array(readFileSync(file)));

await serve(() => {
  const distances = surfaceDistances(truth, prediction, shape, spacing);
  const { truthToPrediction, predictionToTruth } = averageSurfaceDistance(distances);
  return [
    dice(truth, prediction),
    ...[1, 2].map((tolerance) => surfaceDice(distances, tolerance)),
    ...[95, 100].map((percent) => robustHausdorff(distances, percent)),
    ...[truthToPrediction, predictionToTruth],
  ];
});
