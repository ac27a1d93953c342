/** Every score as a line of CSV, for R, pandas or a spreadsheet. A distance that is undefined is an empty field. */
import { writeFileAtomic } from '../../core/index.js';
import type { ClassMeasures } from '../../metrics/index.js';
import { csvOf } from '../csv.js';
import type { AnyRecipe } from '../kinds.js';
import type { CaseScore } from '../score.js';
import { type RunFiles, readScores } from './scores.js';

const columns = [
  'dice',
  'surfaceDice',
  'hausdorff95',
  'averageSurfaceDistance',
  'volumeDifferenceMl',
  'truthMl',
  'predictionMl',
] as const satisfies (keyof ClassMeasures)[];

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

/** Writes `scores.csv` into a run's folder: every case that any of its models was scored on. */
export function writeScores(files: RunFiles, run: AnyRecipe): void {
  const scores = readScores(files, run).flatMap(({ seed, method, regime, trainedAt, cases }) =>
    cases.map(({ site, name, patient, classes }) => ({
      origin: { seed, method, regime, trainedAt, site, patient, case: name },
      classes,
    })),
  );
  writeFileAtomic(files.file('scores.csv'), scoresCsv(scores));
}
