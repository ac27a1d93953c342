/** Every score as a line of CSV, for R, pandas or a spreadsheet. A distance that is undefined is an empty field. */

import { csvOf } from '../data/index.js';
import type { CaseMeasures, CaseScore } from '../metrics/index.js';

const columns = [
  'dice',
  'surfaceDice',
  'hausdorff95',
  'averageSurfaceDistance',
  'volumeDifferenceMl',
  'truthMl',
  'predictionMl',
  'boundaryBias',
  'surfaceDiceOnSlices',
] as const satisfies (keyof CaseMeasures)[];

/** What a case's lines begin with. */
type Origin = Record<string, string | number | null | undefined>;

/** A header, and a line for each case and class. */
export function scoresCsv(scores: readonly { origin: Origin; classes: CaseScore['classes'] }[]): string {
  const names = Object.keys(scores[0]?.origin ?? {});
  const lines = scores.flatMap(({ origin, classes }) =>
    Object.entries(classes).map(([name, one]) => [...Object.values(origin), name, ...columns.map((key) => one[key])]),
  );
  return csvOf([[...names, 'class', ...columns], ...lines]);
}
