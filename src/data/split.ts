/**
 * Divides cases into named parts (train, validation, test …) by case or by patient. The cases, the shares and the seed
 * fix the result; the order in which the cases come does not matter. A group is never broken.
 */
import { errorsOf, random } from '../core/index.js';
import type { Case } from './dataset.js';
import { datasetErrors } from './dataset-errors.js';

const splitError = errorsOf(datasetErrors);

export interface SplitOptions<Part extends string = string> {
  /** Fractions that add up to 1, or whole numbers of groups; groups beyond the whole numbers are left out. */
  parts: Readonly<Record<Part, number>>;
  seed: number;
  /**
   * A regular expression on the case's name whose first capture (the whole match where it captures nothing) is the
   * patient. Cases of one patient stay together, also across sites. Without it every case is a group of its own.
   */
  groupBy?: string;
}

/** Each part's cases, sorted by site and name. */
export type Split<Part extends string = string> = Record<Part, Case[]>;

/**
 * Splits the cases. Fractions are of the number of groups, rounded by largest remainder; every part with a positive
 * share gets at least one group.
 *
 * @throws GraftError SPLIT_SHARES, SPLIT_TOO_FEW, SPLIT_PATTERN_INVALID, SPLIT_PATTERN_UNMATCHED
 */
export function splitCases<Part extends string>(
  cases: readonly Case[],
  { parts, seed, groupBy }: SplitOptions<Part>,
): Split<Part> {
  const groups = groupsOf(cases, groupBy);
  const keys = random(seed, 'split').shuffle([...groups.keys()].sort());
  const names = Object.keys(parts) as Part[];
  const counts = groupCounts(parts, keys.length, cases.length);
  const result = {} as Split<Part>;
  let from = 0;
  names.forEach((name, i) => {
    const chosen = keys.slice(from, from + counts[i]).flatMap((key) => groups.get(key)!);
    result[name] = chosen.sort((a, b) => compare(a.site, b.site) || compare(a.name, b.name));
    from += counts[i];
  });
  return result;
}

/** One line a part, for people: `train        12 cases: ixi-t1/case01, …`. */
export function describeSplit(split: Split): string {
  const width = Math.max(...Object.keys(split).map((name) => name.length));
  const line = ([name, cases]: [string, Case[]]) =>
    `${name.padEnd(width)}  ${cases.length} ${cases.length === 1 ? 'case' : 'cases'}: ` +
    cases.map((item) => `${item.site}/${item.name}`).join(', ');
  return Object.entries(split).map(line).join('\n');
}

function groupsOf(cases: readonly Case[], groupBy: string | undefined): Map<string, Case[]> {
  const groups = new Map<string, Case[]>();
  const pattern = groupBy === undefined ? undefined : compile(groupBy);
  for (const item of cases) {
    const match = pattern?.exec(item.name);
    if (match === null)
      throw splitError('SPLIT_PATTERN_UNMATCHED', { pattern: pattern!.source, name: item.name, site: item.site });
    const key = match === undefined ? `${item.site}/${item.name}` : (match[1] ?? match[0]);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    const reason = (error as Error).message.replace(/^Invalid regular expression: /, '');
    throw splitError('SPLIT_PATTERN_INVALID', { pattern, reason }, error);
  }
}

/** How many groups each part gets. */
function groupCounts(parts: Readonly<Record<string, number>>, groups: number, cases: number): number[] {
  const values = Object.values(parts);
  const shares = JSON.stringify(parts);
  const sum = total(values);
  const fractions = Math.abs(sum - 1) < 1e-6;
  if (!values.every((value) => value >= 0 && (fractions || Number.isInteger(value))) || sum === 0)
    throw splitError('SPLIT_SHARES', { shares });
  const needed = fractions ? values.filter((value) => value > 0).length : sum;
  if (groups < needed) throw splitError('SPLIT_TOO_FEW', { shares, needed, groups, cases });
  if (!fractions) return values;

  const counts = values.map((value) => (value > 0 ? Math.max(1, Math.floor(value * groups + 1e-6)) : 0));
  // How far a part is above its exact share: the lowest gains first, the highest gives first.
  const excess = (i: number) => counts[i] - values[i] * groups;
  const order = () => values.map((_, i) => i).sort((i, j) => excess(i) - excess(j));
  for (let rest = groups - total(counts); rest !== 0; rest -= Math.sign(rest)) {
    const candidates = order().filter((i) => (rest > 0 ? values[i] > 0 : counts[i] > 1));
    counts[rest > 0 ? candidates[0] : candidates[candidates.length - 1]] += Math.sign(rest);
  }
  return counts;
}

const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
