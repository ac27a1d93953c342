/** What models of a study scored, as entries of a comparison and as a table of every case. */
import { type ComparisonEntry, scoresCsv } from '../../compare/index.js';
import type { CaseScore } from '../../metrics/index.js';
import type { Regime } from '../../report/index.js';
import type { Done, Task } from '../tasks.js';

/** One model's scores. */
export interface ModelScores {
  /** What it counts for in a comparison. */
  entry: string;
  seed: number;
  /** Of an adaptation the method, of a federation the plan. */
  method: string;
  /** Of a federation. */
  regime: Regime | null;
  /** The site that trained alone; null: all sites, or an adaptation. */
  trainedAt: string | null;
  cases: CaseScore[];
  /** Those that a comparison counts. */
  compared: CaseScore[];
}

/**
 * Names the patient after the recipe's pattern, as the split did, where the data set does not say.
 * @param site of a hospital, where another hospital's patients may have the same names
 */
export function withPatient(score: CaseScore, groupBy: string | undefined, site?: string): CaseScore {
  const match = score.patient === undefined && groupBy !== undefined && new RegExp(groupBy).exec(score.name);
  return match ? { ...score, patient: [...(site ? [site] : []), match[1] ?? match[0]].join('/') } : score;
}

/**
 * Every model that was trained, in the recipe's order.
 * @param patients names the patient of a case
 */
export const modelsOf = (
  done: readonly Done<Task, { cases: CaseScore[] }>[],
  patients: (score: CaseScore) => CaseScore,
): ModelScores[] =>
  done
    .filter(({ task }) => !task.shared)
    .map(({ task: { entry, key, counts }, result }) => {
      const { seed, method = key.plan!, regime = null, site = null } = key;
      const cases = result.cases.map(patients);
      const compared = cases.filter((one) => counts.includes(one.site));
      return { entry, seed, method, regime, trainedAt: site, cases, compared };
    });

interface Compared {
  toleranceMm: number;
  scored?: ComparisonEntry['scored'];
  classes: readonly string[];
  tasks: readonly Pick<Task, 'entry' | 'role'>[];
}

/** What a run compares, in the recipe's order: its methods, or its plans in each regime. */
export const entriesOf = (
  { toleranceMm, scored, classes, tasks }: Compared,
  models: readonly ModelScores[],
): ComparisonEntry[] =>
  [...new Set(tasks.map(({ entry }) => entry))].flatMap((name) => {
    const mine = models.filter(({ entry }) => entry === name);
    const scores = mine.flatMap(({ compared }) => compared);
    const seeds = [...new Set(mine.map(({ seed }) => seed))];
    const { role } = tasks.find(({ entry }) => entry === name)!;
    return scores.length === 0 ? [] : { name, toleranceMm, scored, classes, scores, seeds, role };
  });

/** `scores.csv` of a run: every case that any of its models was scored on. */
export const csvOf = (models: readonly ModelScores[]): string =>
  scoresCsv(
    models.flatMap(({ seed, method, regime, trainedAt, cases }) =>
      cases.map(({ site, name, patient, classes }) => ({
        origin: { seed, method, regime, trainedAt, site, patient, case: name },
        classes,
      })),
    ),
  );
