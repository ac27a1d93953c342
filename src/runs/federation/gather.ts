/** Gathers what the report of a federated run shows: its summary, curves, ledgers, and pictures. */
import { type Case, type Dataset, loadCase, siteOf, type Volume } from '../../data/index.js';
import { loadSam, loadSamAdapter, segmentVolume } from '../../finetune/index.js';
import { comparisonOf } from '../compare/index.js';
import type { RunFolder } from '../folder.js';
import { bestMedianWorst, display, surfacesOf } from '../pictures.js';
import type { FederationReport, LedgerTable, Panel, ReportCurve } from '../report/index.js';
import { change, fixed, html } from '../report/index.js';
import { meanScore } from '../score.js';
import { type FederationRecipe, variantsOf } from './recipe.js';
import { ledgerOf, type RegimeResult, readRegimeResults, tasksOf } from './results.js';
import { type FederationSummary, summariseFederation } from './summary.js';

/** @param dataset the one the run read */
export function gatherFederation(folder: RunFolder, recipe: FederationRecipe, dataset: Dataset): FederationReport {
  const summary = summariseFederation(folder, recipe);
  const { title, description, seeds } = recipe;
  const variants = variantsOf(recipe);
  return {
    ...{ title, description, summary },
    provenance: provenanceOf(folder, recipe, dataset),
    ...comparisonOf(folder, { kind: 'federation', recipe }, 'dice'),
    notes: notesOf(recipe),
    curves: roundCurves(folder, recipe),
    bytes: byteCurve(folder, recipe),
    ledgers: variants.flatMap(({ name }) =>
      seeds.map((seed) => ledgerTable(folder, name, seed)).filter(({ rounds }) => rounds.length > 0),
    ),
    images: picturesOf(folder, recipe, dataset, summary),
  };
}

function provenanceOf(folder: RunFolder, recipe: FederationRecipe, { root }: Dataset): [string, string][] {
  const { model, seeds, sites, preprocessing, split } = recipe;
  const { architecture, imageSize, checkpoint, pretrain } = model;
  return [
    ...folder.provenance(),
    ['Data set', root],
    ['Sites', sites.join(', ')],
    [
      'Split',
      Object.entries(split)
        .map(([part, share]) => `${part} ${share}`)
        .join(', '),
    ],
    ['Seeds', seeds.join(', ')],
    ['Network', `${architecture} at ${imageSize} pixels, ${preprocessing.axis} slices`],
    ['Foundation', checkpoint ?? `pretrained here on generated scenes, ${pretrain.steps} steps`],
  ];
}

function notesOf({ keep, regimes, data, maxCases, epochs }: FederationRecipe): string[] {
  const scored =
    keep === 'last'
      ? 'The model of the last round or epoch is scored; validation cases choose nothing.'
      : 'The model of the round or epoch with the best mean Dice on the validation cases is scored.';
  return [
    scored,
    ...(regimes.length > 1
      ? [
          `A round is one epoch at every site. ${
            epochs === undefined
              ? 'Local and centralised training had as many epochs as there were rounds: as many passes over every case.'
              : `Local and centralised training had ${epochs} epochs.`
          }`,
        ]
      : []),
    'All sites were simulated on one machine.',
    ...(maxCases === undefined ? [] : [`Only the first ${maxCases} cases of every site were used.`]),
    ...(data.phantom && !data.root ? ['Phantoms show that a method works, never how well it works on patients.'] : []),
  ];
}

interface LogRecord {
  kind: string;
  seed: number;
  plan: string;
  regime: string;
  site: string | null;
  /** From 0. */
  epoch?: number;
  values: Record<string, number>;
}

/** Mean over seeds of what is known at a round, by round. */
function averaged(points: readonly [round: number, value: number][]): [number, number][] {
  const byRound = new Map<number, number[]>();
  for (const [round, value] of points) byRound.set(round, [...(byRound.get(round) ?? []), value]);
  return [...byRound]
    .sort(([a], [b]) => a - b)
    .map(([round, values]) => [round, values.reduce((a, b) => a + b, 0) / values.length]);
}

/** For every plan a chart for each site with a line for each regime. */
function roundCurves(folder: RunFolder, recipe: FederationRecipe): FederationReport['curves'] {
  const { seeds, sites } = recipe;
  const log = folder.readLog<LogRecord>().filter(({ kind }) => kind === 'epoch');
  // A resumed run repeats epochs; the last line of each holds.
  const epochs = new Map(log.map((one) => [[one.seed, one.plan, one.regime, one.site, one.epoch].join(), one]));
  return variantsOf(recipe).flatMap((variant) => {
    const tasks = seeds.flatMap((seed) => tasksOf(recipe, seed, variant));
    const charts = sites.map((site): ReportCurve => {
      const key = `dice at ${site}`;
      const series = variant.regimes.map((regime) => {
        const mine = tasks.filter((task) => task.regime === regime && (task.site === null || task.site === site));
        const points = mine.flatMap((task): [number, number][] =>
          regime === 'federated'
            ? ledgerOf(folder, task.seed, task.plan).flatMap((entry) =>
                entry.kind === 'aggregated' && key in entry.metrics ? [[entry.round, entry.metrics[key]]] : [],
              )
            : [...epochs.values()]
                .filter(
                  (one) =>
                    one.seed === task.seed && one.plan === task.plan && one.regime === regime && one.site === task.site,
                )
                .flatMap(({ epoch, values }): [number, number][] => (key in values ? [[epoch! + 1, values[key]]] : [])),
        );
        return { name: regime, points: averaged(points) };
      });
      return { title: site, xLabel: 'round or epoch', yLabel: 'Dice', series };
    });
    return charts.some(({ series }) => series.some(({ points }) => points.length > 1))
      ? [{ plan: variant.name, charts }]
      : [];
  });
}

/** For every plan a line over the rounds, at the bytes that had moved by then. */
function byteCurve(folder: RunFolder, recipe: FederationRecipe): ReportCurve | undefined {
  const series = variantsOf(recipe).map(({ name }) => {
    const [moved, dice] = [[], []] as [number, number][][];
    for (const seed of recipe.seeds) {
      let sum = 0;
      for (const entry of ledgerOf(folder, seed, name)) {
        if ('down' in entry) sum += entry.down + entry.up;
        if (entry.kind !== 'aggregated' || entry.metrics.dice === undefined) continue;
        moved.push([entry.round, sum]);
        dice.push([entry.round, entry.metrics.dice]);
      }
    }
    const values = averaged(dice);
    return { name, points: averaged(moved).map(([, sum], i): [number, number] => [sum, values[i][1]]) };
  });
  const drawn = series.filter(({ points }) => points.length > 1);
  if (drawn.length === 0) return undefined;
  return {
    title: 'Dice against bytes',
    xLabel: 'bytes to and from all sites so far',
    yLabel: 'Dice, mean of the sites',
    xScale: 'bytes',
    series: drawn,
  };
}

function ledgerTable(folder: RunFolder, plan: string, seed: number): LedgerTable {
  const rounds: LedgerTable['rounds'] = [];
  let cells: LedgerTable['rounds'][number]['cells'] = {};
  for (const entry of ledgerOf(folder, seed, plan)) {
    if ('down' in entry) {
      const { kind: outcome, site, down, up } = entry;
      const reason = 'reason' in entry ? { reason: entry.reason } : {};
      const late = outcome === 'late' && rounds.find(({ round }) => round === entry.round);
      // What an accepted update brought is there already when it is refused as an outlier.
      const before = (late ? late.cells : cells)[site] ?? { down: 0, up: 0 };
      (late ? late.cells : cells)[site] = { outcome, down: before.down + down, up: before.up + up, ...reason };
    } else if (entry.kind === 'closed')
      for (const site of entry.missing) cells[site] = { outcome: 'missing', down: 0, up: 0 };
    else if (entry.kind === 'aggregated') {
      rounds.push({ round: entry.round, error: entry.error, cells });
      cells = {};
    }
  }
  return { plan, seed, rounds };
}

/** Of the best federated plan with the first seed, beside the models that the sites trained alone. */
function picturesOf(
  folder: RunFolder,
  recipe: FederationRecipe,
  dataset: Dataset,
  { plans }: FederationSummary,
): FederationReport['images'] {
  const federated = plans.filter(({ regimes }) => regimes.federated);
  if (federated.length === 0) return undefined;
  const { name: plan } = federated.reduce((a, b) =>
    b.regimes.federated!.dice.mean.mean > a.regimes.federated!.dice.mean.mean ? b : a,
  );
  const [seed] = recipe.seeds;
  const results = readRegimeResults(folder, recipe).filter((one) => one.plan === plan && one.seed === seed);
  const model = loadSam(folder.file('models', `seed${seed}.safetensors`));
  const labelsOf = (result: RegimeResult | undefined, one: Case, image: Volume) => {
    if (!result) return undefined;
    const { file } = result.adapters.find(({ site }) => site === null || site === one.site)!;
    const adapter = loadSamAdapter(folder.file(file));
    model.use(adapter);
    const labels = segmentVolume(model, image, { case: one });
    model.use(undefined);
    for (const value of adapter.state.values()) value.dispose();
    return labels;
  };
  const together = results.find(({ regime }) => regime === 'federated')!;
  const groups = recipe.sites.map((site) => {
    const alone = results.find((one) => one.regime === 'local' && one.site === site);
    const dice = (result: RegimeResult | undefined, name: string) => {
      const one = result?.cases.find((other) => other.site === site && other.name === name);
      return one ? meanScore([one], 'dice') : Number.NaN;
    };
    const sorted = together.cases
      .filter((one) => one.site === site)
      .map(({ name }) => ({ name, score: dice(together, name) }))
      .sort((a, b) => b.score - a.score);
    const panels = bestMedianWorst(sorted).map(({ which, one: { name, score } }): Panel => {
      const found = siteOf(dataset, site).cases.find((one) => one.name === name)!;
      const { image, label } = loadCase(found, { classes: recipe.classes.length + 1 });
      const [local, shared] = [labelsOf(alone, found, image), labelsOf(together, found, image)!];
      const before = dice(alone, name);
      return {
        ...{ which, name },
        slices: display(image, label!, { ...(local && { local }), federated: shared }),
        surfaces: recipe.report.surfaces ? surfacesOf(label!, 'federated', shared, recipe.toleranceMm) : [],
        scores: `Dice ${fixed(score)}${local ? `, local model ${fixed(before)}` : ''}`,
        caption: html`Federated ${fixed(score)}${
          local && html`<br><span class="muted">Local ${fixed(before)}, change ${change(score, before)}</span>`
        }`,
      };
    });
    return { title: site, panels };
  });
  model.dispose();
  return { plan, groups };
}
