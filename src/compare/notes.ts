/** What a reader of a comparison has to know, in plain words. */
import { type ComparisonEntry, caseOf, commonCases, unitOf } from './entry.js';

export function notesOn(entries: readonly ComparisonEntry[], baseline: ComparisonEntry): string[] {
  const others = entries.filter((entry) => entry !== baseline && entry.role !== 'oracle');
  const cases = (entry: ComparisonEntry) => new Set(entry.scores.map(caseOf));
  const without = (of: Set<string>, those: Set<string>) => [...of].filter((one) => !those.has(one));
  const pairs = others.map((entry) => {
    const { same } = commonCases(entry, baseline);
    return new Set(entry.scores.filter((score) => same.has(caseOf(score))).map(unitOf)).size;
  });
  const fewest = Math.min(...pairs.filter((count) => count > 0));
  return [
    ...together(others, (entry) => {
      const missing = without(cases(baseline), cases(entry));
      return missing.length > 0
        ? `not scored on ${some(missing)}, which ${baseline.name} was: differences and p are of the others only.`
        : undefined;
    }),
    ...together(others, (entry) => {
      const extra = without(cases(entry), cases(baseline));
      return extra.length > 0
        ? `scored on ${some(extra)}, which ${baseline.name} was not: they are in its mean, not in differences and p.`
        : undefined;
    }),
    ...together(others, (entry) => {
      const other = [...commonCases(entry, baseline).other];
      return other.length > 0
        ? `another reference label than for ${baseline.name}, under the same name, of ${some(other)}: not paired.`
        : undefined;
    }),
    ...together(others, ({ seeds }) =>
      seeds.join() === baseline.seeds.join()
        ? undefined
        : `means over ${seedsOf(seeds)}, while those of ${baseline.name} are over ${seedsOf(baseline.seeds)}.`,
    ),
    // Two of the 2^n choices of signs are the most extreme ones.
    ...(fewest < 6
      ? [`With ${fewest} ${fewest === 1 ? 'pair' : 'pairs'} no two-sided p can be below ${2 ** (1 - fewest)}.`]
      : []),
  ];
}

const seedsOf = (seeds: readonly number[]) => `${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`;

const some = (cases: readonly string[]): string =>
  cases.length > 3 ? `${cases.length} cases (${cases.slice(0, 3).join(', ')} …)` : cases.join(', ');

/** A note for each different text, after the names of all that it holds for. */
function together(entries: readonly ComparisonEntry[], text: (entry: ComparisonEntry) => string | undefined): string[] {
  const names = new Map<string, string[]>();
  for (const entry of entries) {
    const note = text(entry);
    if (note !== undefined) names.set(note, [...(names.get(note) ?? []), entry.name]);
  }
  return [...names].map(([note, all]) => `${all.join(', ')}: ${note}`);
}
