/**
 * What reports call cases. Names of files are often names or numbers of patients; a report is made to be handed on. So a
 * case gets a pseudonym, unless the recipe says that names may be shown.
 *
 * Pseudonyms are drawn at random and noted in the run's folder (`pseudonyms.json`): who has the folder can look a case up,
 * and nobody can find a name by trying. `results/` and `scores.csv` keep the names, since runs are compared by them.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { CaseScore } from '../metrics/index.js';

export const namesSchema = z
  .enum(['show', 'pseudonym'])
  .default('pseudonym')
  .describe(
    'what the report and trackers call cases: `pseudonym`, such as case-3f2a (pseudonyms.json in the run’s folder says whose), or `show` their names',
  );
/** In a run's folder: pseudonyms by `SITE/CASE`. */
export const pseudonymFile = 'pseudonyms.json';

export type NamesChoice = z.output<typeof namesSchema>;

/** A case of a site. */
type Named = Pick<CaseScore, 'site' | 'name'>;

const idOf = ({ site, name }: Named) => `${site}/${name}`;

/** Names as they are told. */
export interface Naming {
  of(one: Named): string;
  /** A text of another's making, such as an error, without names and places on this machine. */
  inText(text: string): string;
}

/**
 * @param cases all that may be told of
 * @param known by `SITE/CASE`; completed where a case has none yet
 */
export function namingOf(choice: NamesChoice, cases: readonly Named[], known: Record<string, string>): Naming {
  if (choice === 'show') return { of: ({ name }) => name, inText: withoutPaths };
  const taken = new Set(Object.values(known));
  for (const one of cases) {
    while (known[idOf(one)] === undefined) {
      const drawn = `case-${randomBytes(cases.length < 10_000 ? 2 : 4).toString('hex')}`;
      if (!taken.has(drawn)) known[idOf(one)] = drawn;
      taken.add(drawn);
    }
  }
  const patterns = cases.map(
    (one) => [new RegExp(`(?<![\\w-])${escaped(one.name)}(?![\\w-])`, 'g'), idOf(one)] as const,
  );
  return {
    of: (one) => known[idOf(one)] ?? 'a case',
    inText: (text) => patterns.reduce((told, [name, id]) => told.replace(name, known[id]), withoutPaths(text)),
  };
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Of absolute paths only the last part. */
const withoutPaths = (text: string): string =>
  text.replaceAll(/(?<![\w.…/])(?:\/[^\s/"'(),;:]+){2,}/g, (path) => `…/${path.slice(path.lastIndexOf('/') + 1)}`);
