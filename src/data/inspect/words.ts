/** Numbers and names in sentences. */
import type { Inspected, SiteFacts } from './sites.js';

/** Three digits: `0.938`, `1.5`, `414000`. */
export const rounded = (value: number): string => String(Number(value.toPrecision(3)));

/** At most five names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return names.slice(0, 5).join(', ') + more;
}

export const sitesWith = (sites: readonly SiteFacts[], holds: (site: SiteFacts) => boolean): string[] =>
  sites.filter(holds).map(({ name }) => name);

export const namesOf = (cases: readonly Inspected[]): string =>
  listed(cases.map(({ site, name }) => `${site}/${name}`));
