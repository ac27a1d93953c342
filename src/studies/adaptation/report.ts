/** What only the report of an adaptation shows: methods by target, what the selection saw, the guard. */
import type { Pausing } from '../../core/index.js';
import { type Dataset, siteOf } from '../../data/index.js';
import { meanScore } from '../../jobs/index.js';
import { extentTitles } from '../../metrics/index.js';
import { familyOfSize } from '../../networks/index.js';
import {
  encodeGroups,
  fixed,
  type Headline,
  type Outlined,
  type PageScores,
  type PageSelection,
  sourceMethod,
} from '../../report/index.js';
import { casesOf } from '../comparison/cases.js';
import { comparisonOf } from '../comparison/sharing.js';
import type { Gathered, PageParts, Shelf, SoFar } from '../findings.js';
import type { RunFolder } from '../folder.js';
import type { StudyReport } from '../outcome.js';
import { leftOutNotes } from '../patients.js';
import { type Candidate, picturesOf, shownOf } from '../pictures.js';
import { placeFrom, provenanceOf } from '../provenance.js';
import { modelPath } from '../tasks.js';
import { verdictOn } from '../verdict.js';
import { type EpochRecord, lookCurves, trainingCurves } from './curves.js';
import { describeNetwork, oracleMethod, type Recipe, rowsOf } from './recipe.js';
import type { Found, Result } from './results.js';
import type { AdaptationKind, Summary } from './summary.js';

export function* reportOf(gathered: Gathered<AdaptationKind>): Pausing<StudyReport> {
  const { folder, recipe, dataset, found, summary } = gathered;
  const results = found.done.map(({ result }) => result);
  const shown = methodToShow(recipe);
  const { unadapted, labelOf } = namesIn(recipe);
  const parts = partsOf({ ...gathered, log: folder.readLog() });
  const groups = recipe.targets.map((target) => ({
    title: target,
    shown: shownOf(candidatesOn(gathered, target), ['Adapted', 'Source']),
  }));
  const headline = parts.comparison
    ? verdictOn(parts.comparison, {
        main: shown,
        noun: 'method',
        labelOf: (name) => (unadapted.includes(name) ? 'the source model' : labelOf(name)),
        seeds: recipe.seeds.length,
      })
    : alone(summary);
  const outlined: Outlined[] = ['truth', 'source', 'adapted'];
  return {
    headline,
    provenance: provenanceOf(folder, factsOf(folder, recipe, dataset), [
      ...found.sources.map(({ model }) => ({ name: model.file, sha256: model.sha256 })),
      ...results.flatMap(({ adapter }) => (adapter ? [{ name: adapter.file, sha256: adapter.sha256 }] : [])),
    ]),
    groups: yield* picturesOf(folder, groups, recipe.classes.length),
    outlined,
    page: (provenance, pictures) => ({
      ...{ title: recipe.title, description: recipe.description, headline, notes: notesOf(recipe, summary, found) },
      ...parts,
      scores: scoresOf(recipe, summary, results),
      images: {
        about: `For each target the best, the median and the worst case by the surface Dice of ${labelOf(shown)}; of each plane the slice with most of the reference.`,
        ...{ outlined, classes: recipe.classes, groups: encodeGroups(pictures) },
      },
      provenance,
    }),
  };
}

/** What there is of a run that may be under way. */
export function partsOf({ recipe, found, entries, log }: SoFar<AdaptationKind>): PageParts {
  const results = found.done.map(({ result }) => result);
  const main = methodToShow(recipe);
  const { unadapted, labelOf } = namesIn(recipe);
  const comparison = comparisonOf(entries, 'surfaceDice', unadapted);
  const cases = casesOf(entries, 'surfaceDice', { main, baseline: comparison?.baseline, labelOf });
  return {
    ...(cases && { cases }),
    ...(comparison && { comparison }),
    selections: selectionsOf(results, labelOf),
    curves: [{ charts: [...trainingCurves(log as readonly EpochRecord[]), ...lookCurves(results, main)] }],
  };
}

/** The source model's names in the recipe, and what every method is called. */
function namesIn(recipe: Recipe) {
  const rows = rowsOf(recipe);
  return {
    unadapted: rows.flatMap(({ method, name }) => (method === sourceMethod ? [name] : [])),
    labelOf: (name: string) => rows.find((one) => one.name === name)!.label,
  };
}

const scoresOf = (recipe: Recipe, summary: Summary, results: readonly Result[]): PageScores => ({
  ...{ toleranceMm: recipe.toleranceMm, scored: extentTitles[recipe.scored], targets: recipe.targets },
  methods: summary.methods.map(({ name, label, trainedParameters, adapterBytes }) => ({
    ...{ name, label, trainedParameters, adapterBytes, oracle: name === oracleMethod },
    seconds: results.filter(({ method }) => method === name).reduce((sum, { seconds }) => sum + seconds, 0),
  })),
  scores: recipe.targets.flatMap((target) =>
    summary.methods.map(({ name, surfaceDice, surfaceDiceOnSlices, boundaryBias, gapClosed, dice, guarded }) => {
      const reasons = guarded.filter((one) => one.target === target);
      const kept = results.find(({ method, target: own }) => method === name && own === target)?.kept;
      return {
        target,
        method: name,
        surfaceDice: surfaceDice[target].values,
        surfaceDiceOnSlices: surfaceDiceOnSlices[target].values,
        boundaryBias: boundaryBias[target].values,
        gapClosed: gapClosed[target],
        dice: dice[target].values,
        kept: typeof kept === 'string' ? kept : 'adapted',
        ...(reasons.length > 0 && {
          guard: reasons
            .map(({ seed, fold, reason }) => `seed ${seed}${fold ? `, fold ${fold}` : ''}: ${reason}`)
            .join('; '),
        }),
      };
    }),
  ),
});

/** What was seen of every adaptation that had candidates. */
const selectionsOf = (results: readonly Result[], labelOf: (name: string) => string): PageSelection[] =>
  results
    .filter(({ looks }) => looks.length > 1)
    .map(({ seed, target, fold, method, kept, guard, looks }) => ({
      place: [`seed ${seed}`, target, ...(fold ? [`fold ${fold}`] : [])].join(', '),
      ...{ method: labelOf(method), kept: String(kept), ...(guard !== undefined && { guard }) },
      looks: looks.map(({ candidate, ...seen }) => ({ candidate: String(candidate), ...seen })),
    }));

/**
 * The method that pictures and headline are about, which no score chooses: the default one where the recipe has it, or the
 * first that changes anything.
 */
function methodToShow({ variants, network }: Recipe): string {
  const adapted = variants.filter(({ method }) => method !== sourceMethod);
  const { defaultMethod } = familyOfSize(network);
  return (adapted.find(({ method }) => method === defaultMethod) ?? adapted[0] ?? variants[0]).name;
}

const alone = ({ methods: [only], toleranceMm }: Summary): Headline => ({
  sentence: `${only.label}: mean surface Dice at ${toleranceMm} mm ${fixed(only.surfaceDice.mean.mean)} over the targets.`,
  more: ['There is no other method to compare it with.'],
});

const factsOf = (folder: RunFolder, recipe: Recipe, { root }: Dataset): [string, string][] => [
  ['Data set', placeFrom(folder.path, root)],
  ['Source', recipe.source],
  ['Seeds', recipe.seeds.join(', ')],
  ['Network', `${describeNetwork(recipe)}, ${recipe.training.epochs} epochs`],
];

function notesOf(recipe: Recipe, { source, methods }: Summary, { sources }: Found): string[] {
  const guarded = methods.flatMap(({ guarded }) => guarded).length;
  return [
    `On unseen cases of ${recipe.source} itself the network scores surface Dice ${source.surfaceDice.mean.toFixed(3)}, Dice ${source.dice.mean.toFixed(3)}.`,
    recipe.oracle
      ? 'Target labels were used for these scores and for the oracle, which was trained on those of the patients that methods adapt to without: never for training, for choosing an epoch or for the guard of a method.'
      : 'Target labels were used for these scores alone: never for training, for choosing an epoch or for the guard.',
    ...(recipe.split.target.folds
      ? [
          `Patients of the targets were crossed over in ${recipe.split.target.folds} folds: each was scored once for every seed, by models that were adapted to the patients of the other folds.`,
        ]
      : []),
    ...leftOutNotes(sources),
    ...(guarded > 0
      ? [
          `The guard kept a safer model ${guarded} ${guarded === 1 ? 'time' : 'times'}; the marks under the table say why.`,
        ]
      : []),
    ...(recipe.data.phantom && !recipe.data.root
      ? ['Phantoms show that a method works, never how well it works on patients.']
      : []),
  ];
}

/** Cases of a target, of whichever seed, by the score of the method that is shown. */
export function candidatesOn({ recipe, dataset, found, naming }: Shelf<AdaptationKind>, target: string): Candidate[] {
  const method = methodToShow(recipe);
  const results = found.done.flatMap(({ result }) => (result.target === target ? [result] : []));
  const { cases } = siteOf(dataset, target);
  const unadapted = new Set(recipe.variants.flatMap((one) => (one.method === sourceMethod ? [one.name] : [])));
  return results
    .filter((one) => one.method === method)
    .flatMap(({ seed, fold, adapter, cases: scores }) => {
      const source = results.find((one) => unadapted.has(one.method) && one.seed === seed && one.fold === fold);
      return scores.map((scored) => {
        const before = source?.cases.find(({ name }) => name === scored.name);
        const told = naming.of(scored);
        return {
          one: cases.find(({ name }) => name === scored.name)!,
          name: recipe.seeds.length > 1 ? `${told}, seed ${seed}` : told,
          caseName: told,
          model: modelPath(seed),
          score: meanScore([scored], 'surfaceDice'),
          before: before && meanScore([before], 'surfaceDice'),
          outlines: [
            { of: 'source' as const, adapter: null },
            { of: 'adapted' as const, adapter: adapter?.file ?? null },
          ],
        };
      });
    });
}
