/** Golden kind of the overlap and surface measures. */
import { averageSurfaceDistance, dice, robustHausdorff, surfaceDice, surfaceDistances } from '../metrics/index.js';
import type { GoldenCase, Kind } from './case.js';

type Wanted = { name: string } & Record<string, number | string>;
type Triple = [number, number, number];

const maskOf = ({ raw }: GoldenCase, name: string) => raw.get(name)!;

export const metrics: Kind = (golden, comparison) => {
  const spacing = golden.description.spacing_mm as Triple;
  for (const { name, ...wanted } of golden.description.cases as Wanted[]) {
    const { data: truth, shape } = maskOf(golden, `${name}.ground_truth`);
    const { data: prediction } = maskOf(golden, `${name}.prediction`);
    const distances = surfaceDistances(truth, prediction, shape as Triple, spacing);
    const average = averageSurfaceDistance(distances);
    const measure = (key: string): number => {
      if (key === 'dice') return dice(truth, prediction);
      if (key === 'average_gt_to_pred') return average.truthToPrediction;
      if (key === 'average_pred_to_gt') return average.predictionToTruth;
      const number = Number(key.match(/[\d.]+$/)?.[0]);
      return key.startsWith('hausdorff') ? robustHausdorff(distances, number) : surfaceDice(distances, number);
    };
    for (const [key, want] of Object.entries(wanted)) {
      // Where the reference gives nan both masks are empty: graft documents 1 for overlaps and 0 for distances.
      const nan = /dice/.test(key) ? 1 : 0;
      const value = want === 'nan' ? nan : want === 'inf' ? Number.POSITIVE_INFINITY : Number(want);
      comparison.number(`${name} ${key}`, measure(key), value);
    }
  }
};
