/**
 * Single numbers from surface distances: surface Dice, robust Hausdorff distance, average surface distance. Every element
 * counts by its area (Nikolov et al., arXiv:1809.04430).
 *
 * Empty masks: when both are empty nothing is wrong, so Dice is 1 and the distances are 0; when one is, Dice is 0 and the
 * distances are Infinity.
 */
import type { SurfaceDistances, SurfaceElements } from './surface-distances.js';

/**
 * The share of both surfaces that lies within a tolerance of the other.
 *
 * @param toleranceMm in mm; an element exactly that far away is within
 * @returns in [0, 1]
 */
export function surfaceDice({ truthToPrediction, predictionToTruth }: SurfaceDistances, toleranceMm: number): number {
  const total = sum(truthToPrediction.areas) + sum(predictionToTruth.areas);
  if (total === 0) return 1;
  return (areaWithin(truthToPrediction, toleranceMm) + areaWithin(predictionToTruth, toleranceMm)) / total;
}

/**
 * The distance within which `percent` of the surface lies, by area, in the worse of the two directions; 100 is the
 * Hausdorff distance, 95 the usual robust one.
 *
 * @param percent 0 to 100
 * @returns mm
 */
export function robustHausdorff({ truthToPrediction, predictionToTruth }: SurfaceDistances, percent: number): number {
  return Math.max(percentile(truthToPrediction, percent), percentile(predictionToTruth, percent));
}

/**
 * The average distance of each surface from the other.
 *
 * @returns mm in each direction, and `symmetric`: the average over the elements of both surfaces together
 */
export function averageSurfaceDistance({ truthToPrediction, predictionToTruth }: SurfaceDistances): {
  truthToPrediction: number;
  predictionToTruth: number;
  symmetric: number;
} {
  const [there, back] = [moment(truthToPrediction), moment(predictionToTruth)];
  if (there.area === 0 || back.area === 0) {
    const value = there.area === back.area ? 0 : Number.POSITIVE_INFINITY;
    return { truthToPrediction: value, predictionToTruth: value, symmetric: value };
  }
  return {
    truthToPrediction: there.weighted / there.area,
    predictionToTruth: back.weighted / back.area,
    symmetric: (there.weighted + back.weighted) / (there.area + back.area),
  };
}

function moment({ distances, areas }: SurfaceElements): { weighted: number; area: number } {
  return { weighted: sum(distances.map((distance, i) => distance * areas[i]!)), area: sum(areas) };
}

function areaWithin({ distances, areas }: SurfaceElements, toleranceMm: number): number {
  const beyond = distances.findIndex((distance) => distance > toleranceMm);
  return sum(beyond < 0 ? areas : areas.subarray(0, beyond));
}

/** The first distance at which the share of the area reaches `percent`. */
function percentile({ distances, areas }: SurfaceElements, percent: number): number {
  if (distances.length === 0) return 0;
  const total = sum(areas);
  let within = 0;
  const reached = areas.findIndex((area) => {
    within += area;
    return within / total >= percent / 100;
  });
  return distances.at(reached)!; // -1, when rounding keeps the share just below one: the last
}

/**
 * Pairwise summation (Higham, 1993) in the blocks that NumPy uses. Where a percentile falls exactly between two elements
 * the last bit of the total decides, and it should decide as it does for those we compare with.
 */
function sum(values: Float64Array): number {
  const { length } = values;
  if (length > 128) {
    const half = length >> 1;
    const middle = half - (half % 8);
    return sum(values.subarray(0, middle)) + sum(values.subarray(middle));
  }
  if (length < 8) return values.reduce((total, value) => total + value, 0);
  const lanes = values.slice(0, 8);
  const whole = length - (length % 8);
  for (let i = 8; i < whole; i++) lanes[i % 8]! += values[i]!;
  const [a, b, c, d, e, f, g, h] = lanes as unknown as [number, number, number, number, number, number, number, number];
  return values.subarray(whole).reduce((total, value) => total + value, a + b + (c + d) + (e + f + (g + h)));
}
