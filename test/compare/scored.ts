/** Scores to compare, made up; and folders of runs that hold them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ComparisonEntry } from '../../src/compare/index.js';
import type { CaseScore } from '../../src/metrics/index.js';

/** A case with the same Dice in every class; the other measures follow from it. */
export function scored(site: string, name: string, dice: number, classes = ['brain'], truthMl = 100): CaseScore {
  const missed = dice === 0;
  const measures = {
    dice,
    surfaceDice: dice / 2,
    hausdorff95: missed ? null : 10 * (1 - dice),
    averageSurfaceDistance: missed ? null : 1 - dice,
    volumeDifferenceMl: -10 * (1 - dice),
    truthMl,
    predictionMl: truthMl - 10 * (1 - dice),
    boundaryBias: missed ? null : dice - 1,
  };
  return { site, name, classes: Object.fromEntries(classes.map((one) => [one, measures])) };
}

/** A method of a run with the seed 1. */
export const entry = (name: string, scores: CaseScore[], more: Partial<ComparisonEntry> = {}): ComparisonEntry => ({
  ...{ name, toleranceMm: 2, classes: ['brain'], seeds: [1], scores },
  ...more,
});

/** One case for each value, at one site. */
export const cases = (values: readonly number[], site = 'a'): CaseScore[] =>
  values.map((value, i) => scored(site, `case${i + 1}`, value));

/** Writes files below a folder; values other than texts as JSON. */
export function write(folder: string, files: Record<string, unknown>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
}
