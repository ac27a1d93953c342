/** Scoring a model on labelled cases, on the grid of each case's own file. */
import { type Segmenter, segment } from '../adapt/index.js';
import { type Case, loadCase } from '../data/index.js';
import { type ClassMeasures, evaluateLabels } from '../metrics/index.js';

/** One case; by class name. Distances are null where one of the masks is empty. */
export interface CaseScore {
  site: string;
  name: string;
  classes: Record<string, { [measure in keyof ClassMeasures]: number | null }>;
}

/** Segments a labelled case and measures the result. */
export function scoreCase(model: Segmenter, one: Case, classes: readonly string[], toleranceMm: number): CaseScore {
  const { image, label } = loadCase(one, { classes: model.classes });
  return { site: one.site, name: one.name, classes: measure(label!, segment(model, image), classes, toleranceMm) };
}

/** Measures a mask against the truth. */
export function measure(
  truth: { data: Uint8Array; shape: [number, number, number]; spacing: [number, number, number] },
  prediction: Uint8Array,
  classes: readonly string[],
  toleranceMm: number,
): CaseScore['classes'] {
  const { data, shape, spacing } = truth;
  const numbers = classes.map((_, i) => i + 1);
  const measures = evaluateLabels(data, prediction, { shape, spacing, classes: numbers, toleranceMm });
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return Object.fromEntries(
    classes.map((name, i) => {
      const entries = Object.entries(measures[i + 1]).map(([key, value]) => [key, finite(value)]);
      return [name, Object.fromEntries(entries)];
    }),
  );
}

/** Mean of a measure over cases and classes; Infinity where a distance is undefined. */
export function meanScore(scores: readonly CaseScore[], key: keyof ClassMeasures): number {
  const values = scores.flatMap(({ classes }) =>
    Object.values(classes).map((one) => one[key] ?? Number.POSITIVE_INFINITY),
  );
  return values.reduce((a, b) => a + b, 0) / values.length;
}
