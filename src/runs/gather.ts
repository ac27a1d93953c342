/** Gathers what a report shows from a run's folder: scores, curves, and pictures of the best, median and worst case. */
import { loadAdapter, loadModel, segment } from '../adapt/index.js';
import { type Case, type Dataset, loadCase } from '../data/index.js';
import { comparisonOf } from './compare/index.js';
import type { Result } from './experiment.js';
import type { RunFolder } from './folder.js';
import { bestMedianWorst, display, surfacesOf } from './pictures.js';
import type { Recipe } from './recipe.js';
import type { ReportCase, ReportCurve, ReportData } from './report/index.js';
import { meanScore } from './score.js';
import { readResults, type Summary, summarise } from './summary.js';

/** @param dataset the one the run read */
export function gatherReport(folder: RunFolder, recipe: Recipe, dataset: Dataset): ReportData {
  const summary = summarise(folder, recipe);
  const results = readResults(folder, recipe);
  const shown = methodToShow(summary);
  return {
    title: recipe.title,
    description: recipe.description,
    provenance: provenanceOf(folder, recipe, dataset),
    toleranceMm: recipe.toleranceMm,
    targets: recipe.targets,
    methods: summary.methods.map(({ name, label, trainedParameters, adapterBytes }) => ({
      name,
      label,
      trainedParameters,
      adapterBytes,
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
    ...comparisonOf(folder, { kind: 'adaptation', recipe }, 'surfaceDice'),
    notes: notesOf(recipe, summary),
    curves: [...trainingCurves(folder), ...lookCurves(results, shown)],
    cases: recipe.targets.flatMap((target) => picturesOf(folder, recipe, dataset, results, target, shown)),
  };
}

/** The adapted method with the best mean, which the pictures show. */
function methodToShow({ methods }: Summary): string {
  const adapted = methods.filter(({ name }) => name !== 'source');
  const best = (adapted.length > 0 ? adapted : methods).reduce((a, b) =>
    b.surfaceDice.mean.mean > a.surfaceDice.mean.mean ? b : a,
  );
  return best.name;
}

function provenanceOf(folder: RunFolder, recipe: Recipe, { root }: Dataset): [string, string][] {
  return [
    ...folder.provenance(),
    ['Data set', root],
    ['Source', recipe.source],
    ['Seeds', recipe.seeds.join(', ')],
    ['Network', `residual 2D U-Net, ${recipe.architecture.filters} filters, ${recipe.training.epochs} epochs`],
  ];
}

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

interface EpochRecord {
  kind: string;
  seed: number;
  task: string;
  epoch: number;
  values: Record<string, number>;
}

function trainingCurves(folder: RunFolder): ReportCurve[] {
  const lines = folder.readLog<EpochRecord>().filter(({ kind, task }) => kind === 'epoch' && task === 'network');
  const series = (value: string) =>
    [...new Set(lines.map(({ seed }) => seed))].map((seed) => ({
      name: `seed ${seed}`,
      // A resumed run repeats epochs; the last line of each holds.
      points: [
        ...new Map(
          lines
            .filter((line) => line.seed === seed && value in line.values)
            .map(({ epoch, values }) => [epoch + 1, values[value]]),
        ),
      ],
    }));
  return [
    { title: 'Training on the source', xLabel: 'epoch', yLabel: 'loss', series: series('loss') },
    { title: 'Validation on the source', xLabel: 'epoch', yLabel: 'Dice', series: series('dice') },
  ].filter((curve) => curve.series.some(({ points }) => points.length > 1));
}

/** What the selection saw while the shown method adapted. */
function lookCurves(results: readonly Result[], method: string): ReportCurve[] {
  const mine = results.filter((one) => one.method === method && one.seed === results[0].seed);
  const series = mine.map(({ target, looks }) => ({
    name: target,
    points: looks
      .filter(({ candidate }) => candidate !== 'source' || !looks.some((look) => look.candidate === 'statistics'))
      .map(({ candidate, agreement }): [number, number] => [typeof candidate === 'number' ? candidate : 0, agreement]),
  }));
  const curve = {
    title: `Label-free selection, ${method}`,
    xLabel: 'epoch',
    yLabel: 'agreement of the two heads',
    series,
  };
  return series.some(({ points }) => points.length > 1) ? [curve] : [];
}

function picturesOf(
  folder: RunFolder,
  recipe: Recipe,
  dataset: Dataset,
  results: readonly Result[],
  target: string,
  method: string,
): ReportCase[] {
  const adapted = results.filter((one) => one.target === target && one.method === method);
  const scored = adapted
    .flatMap((result) =>
      result.cases.map((one) => ({ result, name: one.name, score: meanScore([one], 'surfaceDice') })),
    )
    .sort((a, b) => b.score - a.score);
  const cases = dataset.sites.find(({ name }) => name === target)!.cases;
  return bestMedianWorst(scored).map(({ which, one: { result, name, score } }) => {
    const source = results.find((one) => one.target === target && one.method === 'source' && one.seed === result.seed);
    const before = source?.cases.find((one) => one.name === name);
    return {
      target,
      which,
      name: recipe.seeds.length > 1 ? `${name}, seed ${result.seed}` : name,
      method,
      surfaceDice: score,
      sourceSurfaceDice: before ? meanScore([before], 'surfaceDice') : Number.NaN,
      ...draw(folder, recipe, cases.find((one) => one.name === name)!, result),
    };
  });
}

function draw(
  folder: RunFolder,
  { classes, report, toleranceMm }: Recipe,
  one: Case,
  { seed, adapter }: Result,
): Pick<ReportCase, 'slices' | 'surfaces'> {
  const { image, label } = loadCase(one, { classes: classes.length + 1 });
  const model = loadModel(folder.file('models', `seed${seed}.safetensors`));
  const source = segment(model, image, one);
  if (adapter) model.use(loadAdapter(folder.file(adapter.file)));
  const adapted = segment(model, image, one);
  model.dispose();
  return {
    slices: display(image, label!, { source, adapted }),
    surfaces: report.surfaces ? surfacesOf(label!, 'adapted', adapted, toleranceMm) : [],
  };
}
