/**
 * Divides cases into named parts (train, validation, test …) by case or by patient. The cases, the shares and the seed
 * fix the result; the order in which the cases come does not matter. A group is never broken.
 *
 * Parts that the data set itself gives its cases are kept: its test cases are tested on whatever the shares say, and the
 * other parts divide what is left by their own shares.
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
   * patient, for cases whose data set does not say. Cases of one patient stay together, also across sites. Without it
   * every case is a group of its own.
   */
  groupBy?: string;
}

/** Each part's cases, sorted by site and name. */
export type Split<Part extends string = string> = Record<Part, Case[]>;

/**
 * Splits the cases. Fractions are of the number of groups, rounded by largest remainder; every part with a positive
 * share gets at least one group. Test cases that the data set holds without labels belong to no part.
 *
 * @throws GraftError SPLIT_SHARES, SPLIT_TOO_FEW, SPLIT_PATTERN_INVALID, SPLIT_PATTERN_UNMATCHED, SPLIT_PARTLY,
 * SPLIT_NO_TEST
 */
export function splitCases<Part extends string>(cases: readonly Case[], options: SplitOptions<Part>): Split<Part> {
  const usable = cases.filter((one) => !isWithheld(one));
  const fixed = usable.some(({ split }) => split !== undefined);
  return fixed ? keepParts(usable, options) : draw(usable, options, areFractions(options.parts));
}

/**
 * Crosses cases over: each is in the test part of exactly one fold, and in `adapt` of all others. Patients stay together,
 * and folds have as many of them as one another, or one more. Parts that the data set itself gives its cases do not count.
 *
 * @param options.folds at least 2
 * @throws GraftError SPLIT_TOO_FEW, SPLIT_PATTERN_INVALID, SPLIT_PATTERN_UNMATCHED
 */
export function foldCases(
  cases: readonly Case[],
  { folds, seed, groupBy }: { folds: number } & Pick<SplitOptions, 'seed' | 'groupBy'>,
): Split<'adapt' | 'test'>[] {
  const usable = cases.filter((one) => !isWithheld(one));
  const { groups, keys } = shuffledGroups(usable, seed, groupBy);
  if (keys.length < folds)
    throw splitError('SPLIT_TOO_FEW', {
      shares: JSON.stringify({ folds }),
      needed: folds,
      groups: keys.length,
      cases: usable.length,
    });
  const casesOf = (chosen: readonly string[]) => chosen.flatMap((key) => groups.get(key)!).sort(bySite);
  return Array.from({ length: folds }, (_, fold) => ({
    adapt: casesOf(keys.filter((_, i) => i % folds !== fold)),
    test: casesOf(keys.filter((_, i) => i % folds === fold)),
  }));
}

/** Whether the data set keeps the case for tests elsewhere: its label is not there. */
export const isWithheld = ({ split, label }: Case): boolean => split === 'test' && label === undefined;

/** The parts that the data set gives its cases; what it does not give is drawn from its training cases. */
function keepParts<Part extends string>(
  cases: readonly Case[],
  { parts, ...options }: SplitOptions<Part>,
): Split<Part> {
  const without = cases.find(({ split }) => split === undefined);
  if (without) throw splitError('SPLIT_PARTLY', { name: without.name, site: without.site });
  const given = (name: string) => cases.filter(({ split }) => split === name);
  const names = Object.keys(parts) as Part[];
  // Where the set names validation cases alone, as MONAI's lists do, the test cases are drawn from its training cases.
  if (names.some((name) => name === 'test') && given('test').length === 0 && given('validation').length === 0)
    throw splitError('SPLIT_NO_TEST', { site: cases[0].site });
  const kept = names.filter((name) => name !== 'train' && given(name).length > 0);
  const rest = names.filter((name) => !kept.includes(name));
  const pool = cases.filter(({ split }) => split !== 'test' && !kept.some((name) => name === split));
  const fractions = areFractions(parts);
  const left = total(rest.map((name) => parts[name]));
  const shares = rest.map((name) => [name, fractions ? parts[name] / left : parts[name]]);
  const chosen = { parts: Object.fromEntries(shares) as Record<Part, number>, ...options };
  const drawn = draw(pool, chosen, fractions);
  const entries = names.map((name) => [name, kept.includes(name) ? given(name).sort(bySite) : drawn[name]]);
  return Object.fromEntries(entries) as Split<Part>;
}

/** @param fractions whether the shares are fractions of the groups; numbers of them otherwise */
function draw<Part extends string>(
  cases: readonly Case[],
  { parts, seed, groupBy }: SplitOptions<Part>,
  fractions: boolean,
): Split<Part> {
  const { groups, keys } = shuffledGroups(cases, seed, groupBy);
  const names = Object.keys(parts) as Part[];
  const counts = groupCounts(parts, keys.length, cases.length, fractions);
  const result = {} as Split<Part>;
  let from = 0;
  names.forEach((name, i) => {
    const chosen = keys.slice(from, from + counts[i]).flatMap((key) => groups.get(key)!);
    result[name] = chosen.sort(bySite);
    from += counts[i];
  });
  return result;
}

/** The groups, and their names in the order that the seed gives. */
function shuffledGroups(cases: readonly Case[], seed: number, groupBy: string | undefined) {
  const groups = groupsOf(cases, groupBy);
  return { groups, keys: random(seed, 'split').shuffle([...groups.keys()].sort()) };
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
    const match = item.patient === undefined ? pattern?.exec(item.name) : undefined;
    if (match === null)
      throw splitError('SPLIT_PATTERN_UNMATCHED', { pattern: pattern!.source, name: item.name, site: item.site });
    const key = item.patient ?? (match === undefined ? `${item.site}/${item.name}` : (match[1] ?? match[0]));
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

/**
 * Whose case it is: as the data set says, or as the pattern finds in the case's name; undefined where neither does.
 *
 * @throws GraftError SPLIT_PATTERN_INVALID
 */
export function patientOf({ patient, name }: Pick<Case, 'patient' | 'name'>, groupBy?: string): string | undefined {
  if (patient !== undefined || groupBy === undefined) return patient;
  const match = compile(groupBy).exec(name);
  return match?.[1] ?? match?.[0];
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
function groupCounts(
  parts: Readonly<Record<string, number>>,
  groups: number,
  cases: number,
  fractions: boolean,
): number[] {
  const values = Object.values(parts);
  const shares = JSON.stringify(parts);
  const sum = total(values);
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

const areFractions = (parts: Readonly<Record<string, number>>) => Math.abs(total(Object.values(parts)) - 1) < 1e-6;
const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
const bySite = (a: Case, b: Case) => compare(a.site, b.site) || compare(a.name, b.name);
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
