/** Gathers what the report of a federated run shows: its summary, curves, ledgers, and pictures. */
import type { Pausing } from '../../core/index.js';
import { sha256 } from '../../core/index.js';
import { type Case, type Dataset, loadCase, siteOf, type Volume } from '../../data/index.js';
import { meanScore } from '../../jobs/index.js';
import { disposeState } from '../../nn/index.js';
import { change, type FederationReport, fixed, type LedgerTable, type Panel } from '../../report/index.js';
import { loadAdapter, loadSegmenter, segmentVolumeWithPauses } from '../../segmenter/index.js';
import { comparisonOf, namingOfRun } from '../comparison/sharing.js';
import type { RunFolder } from '../folder.js';
import type { Naming } from '../names.js';
import { bestMedianWorst, display } from '../pictures.js';
import { placeFrom, provenanceOf } from '../provenance.js';
import { byteCurve, roundCurves } from './curves.js';
import { headlineOf, planToShow } from './headline.js';
import { type FederationRecipe, variantsOf } from './recipe.js';
import { ledgerOf, type RegimeResult, readRegimeResults } from './results.js';
import { summariseFederation } from './summary.js';

/** @param dataset the one the run read */
export function* gatherFederation(
  folder: RunFolder,
  recipe: FederationRecipe,
  dataset: Dataset,
): Pausing<FederationReport> {
  const summary = summariseFederation(folder, recipe);
  const { title, description, seeds } = recipe;
  const variants = variantsOf(recipe);
  const run = { kind: 'federation', recipe } as const;
  const naming = namingOfRun(folder, run);
  const main = planToShow(summary);
  const comparison = comparisonOf(folder, run, 'dice', [`${main.name}/local`, `${main.name}/centralised`], naming);
  return {
    ...{ title, description, summary },
    headline: headlineOf(summary, main, comparison),
    provenance: provenanceOf(folder, recipe, factsOf(folder, recipe, dataset), [
      ...seeds
        .map((seed) => `models/seed${seed}.safetensors`)
        .map((name) => ({ name, sha256: sha256(folder.file(name)) })),
      ...readRegimeResults(folder, recipe).flatMap(({ adapters }) =>
        adapters.map(({ file, sha256 }) => ({ name: file, sha256 })),
      ),
    ]),
    ...(comparison && { comparison }),
    notes: notesOf(recipe),
    curves: roundCurves(folder, recipe),
    bytes: byteCurve(folder, recipe),
    ledgers: variants.flatMap(({ name }) =>
      seeds.map((seed) => ledgerTable(folder, name, seed, naming)).filter(({ rounds }) => rounds.length > 0),
    ),
    images: main.regimes.federated && (yield* picturesOf(folder, recipe, dataset, main.name, naming)),
  };
}

function factsOf(folder: RunFolder, recipe: FederationRecipe, { root }: Dataset): [string, string][] {
  const { model, seeds, sites, preprocessing, split } = recipe;
  const { architecture, imageSize, checkpoint, pretrain } = model;
  const shares = Object.entries(split).map(([part, share]) => `${part} ${share}`);
  return [
    ['Data set', placeFrom(folder.path, root)],
    ['Sites', sites.join(', ')],
    ['Split', shares.join(', ')],
    ['Seeds', seeds.join(', ')],
    ['Network', `${architecture} at ${imageSize} pixels, ${preprocessing.axis} slices`],
    [
      'Foundation',
      checkpoint === undefined
        ? `pretrained here on generated scenes, ${pretrain.steps} steps`
        : placeFrom(folder.path, checkpoint),
    ],
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

function ledgerTable(folder: RunFolder, plan: string, seed: number, naming: Naming): LedgerTable {
  const rounds: LedgerTable['rounds'] = [];
  let cells: LedgerTable['rounds'][number]['cells'] = {};
  for (const entry of ledgerOf(folder, seed, plan)) {
    if ('down' in entry) {
      const { kind: outcome, site, down, up } = entry;
      const reason = 'reason' in entry ? { reason: naming.inText(entry.reason) } : {};
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

/** Of a federated plan with the first seed, beside the models that the sites trained alone. */
function* picturesOf(
  folder: RunFolder,
  recipe: FederationRecipe,
  dataset: Dataset,
  plan: string,
  naming: Naming,
): Pausing<FederationReport['images']> {
  const [seed] = recipe.seeds;
  const results = readRegimeResults(folder, recipe).filter((one) => one.plan === plan && one.seed === seed);
  const model = loadSegmenter(folder.file('models', `seed${seed}.safetensors`));
  const labelsOf = function* (result: RegimeResult | undefined, one: Case, image: Volume) {
    if (!result) return undefined;
    const { file } = result.adapters.find(({ site }) => site === null || site === one.site)!;
    const adapter = loadAdapter(folder.file(file));
    model.use(adapter);
    const labels = yield* segmentVolumeWithPauses(model, image, { case: one });
    model.use(undefined);
    disposeState(adapter.state);
    return labels;
  };
  const together = results.find(({ regime }) => regime === 'federated')!;
  const groupOf = function* (site: string) {
    const alone = results.find((one) => one.regime === 'local' && one.site === site);
    const dice = (result: RegimeResult | undefined, name: string) => {
      const one = result?.cases.find((other) => other.site === site && other.name === name);
      return one ? meanScore([one], 'dice') : Number.NaN;
    };
    const sorted = together.cases
      .filter((one) => one.site === site)
      .map(({ name }) => ({ name, score: dice(together, name) }))
      .sort((a, b) => b.score - a.score);
    const panels: Panel[] = [];
    for (const { which, one: shown } of bestMedianWorst(sorted)) {
      const { name, score } = shown;
      const found = siteOf(dataset, site).cases.find((one) => one.name === name)!;
      const { image, label } = loadCase(found, { classes: recipe.classes.length + 1 });
      const local = yield* labelsOf(alone, found, image);
      const shared = (yield* labelsOf(together, found, image))!;
      const before = dice(alone, name);
      panels.push({
        which,
        name: naming.of({ site, name }),
        lines: [
          `Federated ${fixed(score)}`,
          ...(local ? [`Local ${fixed(before)}, change ${change(score, before)}`] : []),
        ],
        slices: display(image, label!, { ...(local && { local }), federated: shared }),
      });
    }
    return { title: site, panels };
  };
  try {
    const groups: { title: string; panels: Panel[] }[] = [];
    for (const site of recipe.sites) groups.push(yield* groupOf(site));
    return { plan, groups };
  } finally {
    model.dispose();
  }
}
