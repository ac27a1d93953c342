/** `scores.csv` of a run. */

import { scoresCsv } from '../../compare/index.js';
import { writeFileAtomic } from '../../core/index.js';
import type { RunFiles } from '../folder.js';
import type { AnyRecipe } from '../kinds.js';
import { readScores } from './scores.js';

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
