/**
 * Patients in a run: who they are must not matter to it. Where a data set names them, by an identifier perhaps, each is
 * named after the first of the patient's cases instead; so statistics know which cases belong together, and no file of a
 * run holds more than the names of cases. And who is scored at one site is not trained on at another.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Case, type Dataset, patientOf, type Split, type SplitOptions, splitCases } from '../data/index.js';
import { runError } from './errors.js';

/** The data set with every patient named `SITE/CASE`, after the first of the cases that are theirs. */
export function namePatients(dataset: Dataset): Dataset {
  const names = new Map<string, string>();
  return {
    ...dataset,
    sites: dataset.sites.map((site) => ({
      ...site,
      cases: site.cases.map((one) => {
        if (one.patient === undefined) return one;
        const patient = names.get(one.patient) ?? `${one.site}/${one.name}`;
        names.set(one.patient, patient);
        return { ...one, patient };
      }),
    })),
  };
}

/** The part of a split with the cases that nothing is done with, since their patients are scored at another site. */
const leftOut = 'left out';

/** What a result says of them: the cases as `SITE/CASE`; nothing where there were none. */
interface LeftOut {
  leftOut?: string[];
}

export const leftOutIn = (splits: Readonly<Record<string, Split>>): LeftOut => {
  const cases = Object.values(splits).flatMap((split) => split[leftOut] ?? []);
  return cases.length > 0 ? { leftOut: cases.map(({ site, name }) => `${site}/${name}`) } : {};
};

/** Why a result does not stand: it is of an earlier version, or of a recipe with fewer sites; undefined: it does. */
export const leftOutFault = (result: LeftOut, splits: Readonly<Record<string, Split>>): string | undefined =>
  isDeepStrictEqual(result.leftOut, leftOutIn(splits).leftOut)
    ? undefined
    : 'other patients have to be left out of training than were';

/** What a report says of them, by seed. */
export function leftOutNotes(results: readonly ({ seed: number } & LeftOut)[]): string[] {
  const bySeed = new Map(results.map(({ seed, leftOut = [] }) => [seed, leftOut.length]));
  const counts = [...bySeed].map(([seed, count]) => `${count} with seed ${seed}`);
  return [...bySeed.values()].some((count) => count > 0)
    ? [`Cases whose patients are scored at another site were left out of all training: ${counts.join(', ')}.`]
    : [];
}

/**
 * Splits a site's cases without those of patients who are scored at another site: these are left out. What the data set
 * itself gives to tests stays there.
 *
 * @param scored the patients, as `patientOf` names them
 * @throws GraftError PATIENTS_SHARED, and as `splitCases`
 */
export function splitBeside(cases: readonly Case[], options: SplitOptions, scored: ReadonlySet<string>): Split {
  const barred = cases.filter((one) => one.split !== 'test' && isOf(scored, one, options.groupBy));
  if (barred.length === 0) return splitCases(cases, options);
  const rest = cases.filter((one) => !barred.includes(one));
  try {
    return { ...splitCases(rest, options), [leftOut]: barred };
  } catch (error) {
    throw shared(barred, cases.length, (error as Error).message, error);
  }
}

/**
 * Leaves out of every site's training and validation the patients who are scored at another site.
 *
 * @throws GraftError PATIENTS_SHARED where a part has no case left
 */
export function keepApart(splits: Readonly<Record<string, Split>>): Record<string, Split> {
  const scored = patientsOf(Object.values(splits).flatMap(({ test }) => test));
  const apart = ([site, split]: [string, Split]): [string, Split] => {
    const { test, ...others } = split;
    const seen = Object.entries(others);
    const barred = seen.flatMap(([, cases]) => cases.filter((one) => isOf(scored, one)));
    if (barred.length === 0) return [site, split];
    const kept = seen.map(([part, cases]) => [part, cases.filter((one) => !barred.includes(one))] as const);
    const emptied = kept.find(([part, cases]) => cases.length === 0 && others[part].length > 0);
    if (emptied) throw shared(barred, seen.flatMap(([, cases]) => cases).length, `no case is left for ${emptied[0]}`);
    return [site, { ...Object.fromEntries(kept), test, [leftOut]: barred }];
  };
  return Object.fromEntries(Object.entries(splits).map(apart));
}

/** The patients of these cases, where something says whose they are. */
export const patientsOf = (cases: readonly Case[], groupBy?: string): Set<string> =>
  new Set(cases.flatMap((one) => patientOf(one, groupBy) ?? []));

function isOf(patients: ReadonlySet<string>, one: Case, groupBy?: string): boolean {
  const patient = patientOf(one, groupBy);
  return patient !== undefined && patients.has(patient);
}

const shared = (barred: readonly Case[], total: number, problem: string, cause?: unknown) =>
  runError('PATIENTS_SHARED', { site: barred[0].site, count: barred.length, total, problem }, cause);
