/**
 * The federated study: for every seed one base model, trained after every plan at each site alone, on all cases in one
 * place, and in rounds; every model is scored on the test cases of every site. A run that was killed goes on with the next
 * task, the next step of a task, or the round that was under way.
 */
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '../../core/index.js';
import { splitCases } from '../../data/index.js';
import { ledgerFile, readLedger } from '../../federate/index.js';
import { federateModel, freeSite, type JobEvent, loadSite, tuneModel } from '../../jobs/index.js';
import { loadSegmenter } from '../../segmenter/index.js';
import { cacheFolder } from '../cache.js';
import { modelsOf, withPatient } from '../comparison/scores.js';
import { labelledCases } from '../dataset.js';
import { meansOf } from '../outcome.js';
import { keepApart } from '../patients.js';
import type { SeedRun, Study, Trained } from '../study.js';
import { checkpointPath, modelPath, statePath } from '../tasks.js';
import { baseModel, checkNetwork } from './base.js';
import { prepare, refusals } from './extension.js';
import { type FederationRecipe, parseFederationRecipe, type RegimeTask } from './recipe.js';
import { candidatesAt, partsOf, reportOf } from './report.js';
import { ledgerPath, readFound } from './results.js';
import { type FederationKind, summarise } from './summary.js';
import { tablesOf } from './tables.js';

/** Parts of a network, trained at each site alone, on all cases in one place and in rounds; see `runStudy`. */
export const federationStudy: Study<FederationKind> = {
  parse: parseFederationRecipe,
  check: checkNetwork,
  split({ sites, maxCases, split: parts, groupBy }, dataset, seed) {
    const divide = (site: string) => {
      const cases = labelledCases(dataset, site, 'training and scoring').slice(0, maxCases);
      return [site, splitCases(cases, { parts, seed, ...(groupBy && { groupBy }) })] as const;
    };
    return keepApart(Object.fromEntries(sites.map(divide)));
  },
  refusals,
  prepare,
  base: baseModel,
  files: ({ adapters }) => adapters,
  fault(folder, { key: { seed, plan, regime }, variant }) {
    const file = folder.file(ledgerPath(seed, plan));
    const whole = regime !== 'federated' || isComplete(file, variant.federation.rounds);
    return whole ? undefined : `${file} is missing or damaged`;
  },
  open: ({ folder, device, seed }) => ({
    ...{ model: loadSegmenter(folder.file(modelPath(seed)), { device }), sites: [] },
    [Symbol.dispose]() {
      for (const site of this.sites) freeSite(site);
      this.model.dispose();
    },
  }),
  train,
  settle: (folder, task) => folder.move(checkpointPath(task), statePath(task)),
  read: readFound,
  models: ({ groupBy }, { done }) => modelsOf(done, (score) => withPatient(score, groupBy, score.site)),
  summarise,
  tables: tablesOf,
  scores: ({ plans }) =>
    plans.flatMap(({ name, regimes }) =>
      Object.entries(regimes).map(([regime, { surfaceDice, dice }]) => ({
        series: ['test', name, regime],
        values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
      })),
    ),
  report: reportOf,
  parts: partsOf,
  candidates: candidatesAt,
};

/** A ledger's lines vouch for one another, and the last round for all. */
function isComplete(file: string, rounds: number): boolean {
  try {
    return readLedger(file).some((entry) => entry.kind === 'aggregated' && entry.round === rounds);
  } catch {
    return false;
  }
}

async function* train(
  { recipe, folder, seed, splits }: SeedRun<FederationRecipe>,
  { model, sites }: FederationKind['bench'],
  task: RegimeTask,
): AsyncGenerator<JobEvent, Trained> {
  for (const name of recipe.sites.slice(sites.length)) {
    const { train, validation } = splits[name];
    sites.push(yield* loadSite({ name, train, validation }, model, cacheFolder(recipe, folder)));
  }
  const { variant, key } = task;
  const { plan, regime, site } = key;
  const { keep, epochs = variant.federation.rounds } = recipe;
  const checkpoint = folder.file(checkpointPath(task));
  if (!folder.has(checkpointPath(task))) folder.move(statePath(task), checkpointPath(task));
  const job = { task: task.name, model, settings: variant, keep, seed };
  if (regime === 'federated') {
    const name = variant.name;
    const federated = yield* federateModel({ ...job, name, sites, folder: checkpoint });
    writeFileAtomic(folder.file(ledgerPath(seed, plan)), readFileSync(ledgerFile(checkpoint)));
    return trained(federated.adapters, federated);
  }
  const tuned = yield* tuneModel({
    ...{ ...job, epochs, checkpoint, extend: true },
    name: site ?? 'all sites',
    sites: site === null ? sites : sites.filter(({ name }) => name === site),
  });
  return trained([{ site: null, adapter: tuned.adapter }], { ...tuned, travelling: 0 });
}

const trained = (
  adapters: Trained['adapters'],
  { trained, travelling, kept }: { trained: number; travelling: number; kept: number },
): Trained => ({
  adapters,
  kept: true,
  result: (saved) => ({ trainedParameters: trained, travellingParameters: travelling, adapters: saved, kept }),
  notes: [],
});
