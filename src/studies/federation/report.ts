/** What only the report of a federated run shows: regimes by site, curves, bytes, ledgers. */
import type { Pausing } from '../../core/index.js';
import { sha256 } from '../../core/index.js';
import { type Dataset, siteOf, viewsOf } from '../../data/index.js';
import type { Entry } from '../../federate/index.js';
import { meanScore } from '../../jobs/index.js';
import { aggregationOf, encodeGroups, type LedgerTable, type Outlined } from '../../report/index.js';
import { casesOf } from '../comparison/cases.js';
import { comparisonOf } from '../comparison/sharing.js';
import type { Gathered, PageParts, Shelf, SoFar } from '../findings.js';
import type { RunFolder } from '../folder.js';
import type { Naming } from '../names.js';
import type { StudyReport } from '../outcome.js';
import { leftOutNotes } from '../patients.js';
import { type Candidate, picturesOf, shownOf } from '../pictures.js';
import { placeFrom, provenanceOf } from '../provenance.js';
import { modelPath } from '../tasks.js';
import { byteCurve, type LogRecord, roundCurves } from './curves.js';
import { headlineOf, planToShow } from './headline.js';
import type { FederationRecipe } from './recipe.js';
import type { Found, RegimeResult } from './results.js';
import type { FederationKind } from './summary.js';

export function* reportOf(gathered: Gathered<FederationKind>): Pausing<StudyReport> {
  const { folder, recipe, dataset, found, summary } = gathered;
  const { title, description, seeds, sites, classes } = recipe;
  const plan = planToShow(recipe);
  const main = summary.plans.find(({ name }) => name === plan)!;
  const parts = partsOf({ ...gathered, log: folder.readLog() });
  const headline = headlineOf(summary, main, parts.comparison);
  const groups = main.regimes.federated
    ? sites.map((title) => ({ title, shown: shownOf(candidatesAt(gathered, title), ['Federated', 'Local']) }))
    : [];
  const outlined: Outlined[] = ['truth', 'local', 'federated'];
  return {
    headline,
    provenance: provenanceOf(folder, factsOf(folder, recipe, dataset), [
      ...seeds.map(modelPath).map((name) => ({ name, sha256: sha256(folder.file(name)) })),
      ...found.done.flatMap(({ result }) => result.adapters.map(({ file, sha256 }) => ({ name: file, sha256 }))),
    ]),
    groups: yield* picturesOf(folder, groups, classes.length),
    outlined,
    page: (provenance, pictures) => ({
      ...{ title, description, headline, notes: notesOf(recipe, found), ...parts, regimes: summary },
      images: {
        about: `For each site the best, the median and the worst test case by the Dice of the federated model, plan ${plan}, first seed; of each plane the slice with most of the reference.`,
        ...{ outlined, classes, groups: encodeGroups(pictures) },
      },
      provenance,
    }),
  };
}

/** What there is of a run that may be under way. */
export function partsOf({ recipe, found, naming, entries, log }: SoFar<FederationKind>): PageParts {
  const { variants, seeds } = recipe;
  const plan = planToShow(recipe);
  const comparison = comparisonOf(entries, 'dice', [`${plan}/local`, `${plan}/centralised`]);
  const baseline = comparison?.baseline;
  const cases = casesOf(entries, 'dice', { main: `${plan}/federated`, baseline, labelOf: (name) => name });
  const moved = byteCurve(recipe, found);
  return {
    ...(cases && { cases }),
    ...(comparison && { comparison }),
    curves: roundCurves(log as readonly LogRecord[], recipe, found),
    ...(moved && { moved }),
    ledgers: variants.flatMap(({ name }) =>
      seeds.map((seed) => ledgerTable(found, name, seed, naming)).filter(({ rounds }) => rounds.length > 0),
    ),
    aggregations: variants.flatMap(({ name }) =>
      seeds
        .map((seed) =>
          aggregationOf(seeds.length > 1 ? `${name}, seed ${seed}` : name, aggregatedIn(found.ledger(seed, name))),
        )
        .filter(({ rounds }) => rounds.length > 0),
    ),
  };
}

function factsOf(folder: RunFolder, recipe: FederationRecipe, { root }: Dataset): [string, string][] {
  const { model, seeds, sites, preprocessing, split } = recipe;
  const { architecture, imageSize, checkpoint, pretrain } = model;
  const planes = viewsOf({}, preprocessing).map(({ axis }) => axis);
  const shares = Object.entries(split).map(([part, share]) => `${part} ${share}`);
  return [
    ['Data set', placeFrom(folder.path, root)],
    ['Sites', sites.join(', ')],
    ['Split', shares.join(', ')],
    ['Seeds', seeds.join(', ')],
    ['Network', `${architecture} at ${imageSize} pixels, ${planes.join(', ')} slices`],
    [
      'Foundation',
      checkpoint === undefined
        ? `pretrained here on generated scenes, ${pretrain.steps} steps`
        : placeFrom(folder.path, checkpoint),
    ],
  ];
}

function notesOf({ keep, regimes, data, maxCases, epochs }: FederationRecipe, { done }: Found): string[] {
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
    ...leftOutNotes(done.map(({ result }) => result)),
    ...(maxCases === undefined ? [] : [`Only the first ${maxCases} cases of every site were used.`]),
    ...(data.phantom && !data.root ? ['Phantoms show that a method works, never how well it works on patients.'] : []),
  ];
}

const aggregatedIn = (entries: readonly Entry[]) =>
  entries.flatMap((entry) => (entry.kind === 'aggregated' ? [entry] : []));

function ledgerTable({ ledger }: Found, plan: string, seed: number, naming: Naming): LedgerTable {
  const rounds: LedgerTable['rounds'] = [];
  let cells: LedgerTable['rounds'][number]['cells'] = {};
  for (const entry of ledger(seed, plan)) {
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

/** Cases of a site under a federated plan with the first seed, beside the model that the site trained alone. */
export function candidatesAt({ recipe, dataset, found, naming }: Shelf<FederationKind>, site: string): Candidate[] {
  const plan = planToShow(recipe);
  const [seed] = recipe.seeds;
  const results = found.done.flatMap(({ task, result }) =>
    task.variant.name === plan && result.seed === seed ? [result] : [],
  );
  const together = results.find(({ regime }) => regime === 'federated');
  if (!together) return [];
  const alone = results.find((one) => one.regime === 'local' && one.site === site);
  const ofSite = (result: RegimeResult) => result.cases.filter((one) => one.site === site);
  const adapterOf = ({ adapters }: RegimeResult) =>
    adapters.find((one) => one.site === null || one.site === site)!.file;
  const outlines = [
    ...(alone ? [{ of: 'local' as const, adapter: adapterOf(alone) }] : []),
    { of: 'federated' as const, adapter: adapterOf(together) },
  ];
  const { cases } = siteOf(dataset, site);
  return ofSite(together).map((scored) => ({
    ...{ outlines, name: naming.of(scored), caseName: naming.of(scored), score: meanScore([scored], 'dice') },
    model: modelPath(seed),
    one: cases.find(({ name }) => name === scored.name)!,
    before:
      alone &&
      meanScore(
        ofSite(alone).filter(({ name }) => name === scored.name),
        'dice',
      ),
  }));
}
