/** Gathers what a report shows from a run's folder: scores, curves, and pictures of the best, median and worst case. */
import type { Pausing } from '../core/index.js';
import { type Case, type Dataset, loadCase } from '../data/index.js';
import { meanScore } from '../jobs/index.js';
import {
  change,
  fixed,
  type Headline,
  type Panel,
  type PanelGroup,
  type ReportData,
  type ReportSlice,
  sourceMethod,
} from '../report/index.js';
import { loadAdapter, loadSegmenter, segmentVolumeWithPauses } from '../segmenter/index.js';
import { comparisonOf, namingOfRun } from './comparison/sharing.js';
import { lookCurves, trainingCurves } from './curves.js';
import type { RunFolder } from './folder.js';
import type { Naming } from './names.js';
import { bestMedianWorst, display } from './pictures.js';
import { placeFrom, provenanceOf } from './provenance.js';
import { defaultMethod, describeNetwork, methodsOf, type Recipe } from './recipe.js';
import type { Result } from './result.js';
import { readResults, readSourceResults, type Summary, summarise } from './summary.js';
import { verdictOn } from './verdict.js';

/** @param dataset the one the run read */
export function* gatherReport(folder: RunFolder, recipe: Recipe, dataset: Dataset): Pausing<ReportData> {
  const summary = summarise(folder, recipe);
  const results = readResults(folder, recipe);
  const run = { kind: 'adaptation', recipe } as const;
  const naming = namingOfRun(folder, run);
  const shown = methodToShow(recipe);
  const unadapted = methodsOf(recipe).flatMap(({ method, name }) => (method === sourceMethod ? [name] : []));
  const comparison = comparisonOf(folder, run, 'surfaceDice', unadapted, naming);
  const labelOf = (name: string) => methodsOf(recipe).find((one) => one.name === name)!.label;
  const groups: PanelGroup[] = [];
  for (const target of recipe.targets)
    groups.push(yield* picturesOf(folder, recipe, dataset, results, target, shown, naming));
  return {
    ...{ title: recipe.title, description: recipe.description, toleranceMm: recipe.toleranceMm },
    ...{ classes: recipe.classes, targets: recipe.targets },
    headline: comparison
      ? verdictOn(comparison, {
          main: shown,
          noun: 'method',
          labelOf: (name) => (unadapted.includes(name) ? 'the source model' : labelOf(name)),
          seeds: recipe.seeds.length,
        })
      : alone(summary),
    provenance: provenanceOf(folder, recipe, factsOf(folder, recipe, dataset), [
      ...readSourceResults(folder, recipe).map(({ model }) => ({ name: model.file, sha256: model.sha256 })),
      ...results.flatMap(({ adapter }) => (adapter ? [{ name: adapter.file, sha256: adapter.sha256 }] : [])),
    ]),
    methods: summary.methods.map(({ name, label, trainedParameters, adapterBytes }) => ({
      ...{ name, label, trainedParameters, adapterBytes },
      seconds: results.filter(({ method }) => method === name).reduce((sum, { seconds }) => sum + seconds, 0),
    })),
    scores: recipe.targets.flatMap((target) =>
      summary.methods.map(({ name, surfaceDice, dice, guarded }) => {
        const reasons = guarded.filter((one) => one.target === target);
        const kept = results.find(({ method, target: own }) => method === name && own === target)?.kept;
        return {
          target,
          method: name,
          surfaceDice: surfaceDice[target].values,
          dice: dice[target].values,
          kept: typeof kept === 'string' ? kept : 'adapted',
          ...(reasons.length > 0 && { guard: reasons.map(({ seed, reason }) => `seed ${seed}: ${reason}`).join('; ') }),
        };
      }),
    ),
    ...(comparison && { comparison }),
    notes: notesOf(recipe, summary),
    curves: [...trainingCurves(folder), ...lookCurves(results, shown)],
    images: { method: labelOf(shown), groups },
  };
}

/**
 * The method that pictures and headline are about, which no score chooses: the default one where the recipe has it, or the
 * first that changes anything.
 */
function methodToShow(recipe: Recipe): string {
  const all = methodsOf(recipe);
  const adapted = all.filter(({ method }) => method !== sourceMethod);
  return (adapted.find(({ method }) => method === defaultMethod) ?? adapted[0] ?? all[0]).name;
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

function notesOf(recipe: Recipe, { source, methods }: Summary): string[] {
  const guarded = methods.flatMap(({ guarded }) => guarded).length;
  return [
    `On unseen cases of ${recipe.source} itself the network scores surface Dice ${source.surfaceDice.mean.toFixed(3)}, Dice ${source.dice.mean.toFixed(3)}.`,
    'Target labels were used for these scores alone: never for training, for choosing an epoch or for the guard.',
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

function* picturesOf(
  folder: RunFolder,
  recipe: Recipe,
  dataset: Dataset,
  results: readonly Result[],
  target: string,
  method: string,
  naming: Naming,
): Pausing<PanelGroup> {
  const adapted = results.filter((one) => one.target === target && one.method === method);
  const scored = adapted
    .flatMap((result) =>
      result.cases.map((one) => ({ result, name: one.name, score: meanScore([one], 'surfaceDice') })),
    )
    .sort((a, b) => b.score - a.score);
  const cases = dataset.sites.find(({ name }) => name === target)!.cases;
  const panels: Panel[] = [];
  for (const { which, one: shown } of bestMedianWorst(scored)) {
    const { result, name, score } = shown;
    const source = results.find((one) => one.target === target && one.adapter === null && one.seed === result.seed);
    const before = source?.cases.find((one) => one.name === name);
    const earlier = before ? meanScore([before], 'surfaceDice') : Number.NaN;
    const told = naming.of({ site: target, name });
    panels.push({
      which,
      name: recipe.seeds.length > 1 ? `${told}, seed ${result.seed}` : told,
      lines: [
        `Adapted ${fixed(score)}`,
        ...(before ? [`Source ${fixed(earlier)}, change ${change(score, earlier)}`] : []),
      ],
      slices: yield* draw(folder, recipe, cases.find((one) => one.name === name)!, result),
    });
  }
  return { title: target, panels };
}

function* draw(folder: RunFolder, { classes }: Recipe, one: Case, { seed, adapter }: Result): Pausing<ReportSlice[]> {
  const { image, label } = loadCase(one, { classes: classes.length + 1 });
  const model = loadSegmenter(folder.file('models', `seed${seed}.safetensors`));
  try {
    const source = yield* segmentVolumeWithPauses(model, image, { case: one });
    if (adapter) model.use(loadAdapter(folder.file(adapter.file)));
    const adapted = yield* segmentVolumeWithPauses(model, image, { case: one });
    return display(image, label!, { source, adapted });
  } finally {
    model.dispose();
  }
}
