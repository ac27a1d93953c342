/** What labels say of a data set: empty ones, values that need names, sites that seem to outline different things. */
import type { Inspected, SiteFacts } from './sites.js';
import type { DataWarning } from './warning.js';
import { listed, namesOf, rounded } from './words.js';

/** Median volumes of a structure that differ by this factor between sites. */
const volumeFactor = 3;

export function labelWarnings(
  cases: readonly Inspected[],
  sites: readonly SiteFacts[],
  classes: readonly string[] | undefined,
): DataWarning[] {
  const warnings: DataWarning[] = [];
  const warn = (message: string, advice: string, recipe?: string) =>
    warnings.push({ topic: 'labels', message, advice, ...(recipe && { recipe }) });

  const empty = cases.filter(({ label }) => label && Object.keys(label.millilitres).length === 0);
  if (empty.length > 0)
    warn(
      `empty labels: ${namesOf(empty)}`,
      'An empty label says that the structure is absent, and counts as Dice 0 for any voxel found. Correct it, or remove the file where nobody has outlined the case.',
    );

  const values = valuesOf(cases);
  if (values.some((value, i) => value !== i + 1))
    warn(
      `labels have the values ${listed(values.map(String))}`,
      'Classes are numbered from 1 without gaps. Renumber the labels, for example 255 to 1.',
    );
  else if (values.length > 1)
    warn(
      `labels have the values 1 to ${values.length}`,
      'Every class needs a name in the recipe, in this order.',
      `classes: [${(classes ?? values.map((value) => `class-${value}`)).join(', ')}]`,
    );

  for (const { name, labelled, millilitres } of sites) {
    const lacking = values.filter((value) => labelled > 0 && !(value in millilitres));
    // An empty label has been told of already.
    if (lacking.length > 0 && lacking.length < values.length)
      warn(
        `no case of ${name} has the ${numbered(lacking)}`,
        'A site that never outlines a structure teaches that it is not there. Leave the class or the site out.',
      );
  }

  const differing = values.filter((value) => {
    const medians = mediansOf(sites, value).map(([, median]) => median);
    return Math.max(...medians) > 0 && Math.max(...medians) >= volumeFactor * Math.min(...medians);
  });
  if (differing.length > 0) {
    const where = mediansOf(sites, differing[0]).map(([name, median]) => `${name} ${rounded(median)}`);
    warn(
      `volumes differ widely between sites: ${numbered(differing)}; medians of label ${differing[0]} in ml: ${where.join(', ')}`,
      'Look at the contact sheet: do all sites outline the same structure, and is every image whole?',
    );
  }

  const cut = cases.flatMap(({ site, name, label }) =>
    (label?.cutOff ?? []).map(({ side, areaCm2 }) => `${site}/${name} (${side}, ${rounded(areaCm2)} cm²)`),
  );
  if (cut.length > 0)
    warn(
      `labels are cut off inside the image, by neither its edge nor anatomy: ${listed(cut)}`,
      'What goes on beyond the label counts as wrong in scores, and is learned as background. Complete the label, or score the labelled slices alone (in a recipe: scored: labelled-extent).',
    );

  const partly = sites.filter(({ cases: all, labelled }) => labelled > 0 && labelled < all);
  for (const { name, cases: all, labelled } of partly)
    warn(
      `${name}: ${all - labelled} of ${all} cases have no label that can be used`,
      'They can be adapted to, not trained on or scored with. A recipe that needs all labels of the site stops at them.',
    );
  return warnings;
}

const numbered = (values: readonly number[]) =>
  `${values.length === 1 ? 'label' : 'labels'} ${listed(values.map(String))}`;

/** Of the sites that have the label at all. */
const mediansOf = (sites: readonly SiteFacts[], value: number) =>
  sites.flatMap(({ name, millilitres }): [string, number][] =>
    value in millilitres ? [[name, millilitres[value].median]] : [],
  );

/** Every value but 0 that occurs, in order. */
function valuesOf(cases: readonly Inspected[]): number[] {
  const values = cases.flatMap(({ label }) => Object.keys(label?.millilitres ?? {}).map(Number));
  return [...new Set(values)].sort((a, b) => a - b);
}
