/** One model of a federated experiment: trained as its plan and regime say, scored at every site, and kept. */
import { readFileSync, statSync } from 'node:fs';
import { type ProgressEvent, sha256, writeFileAtomic } from '../../core/index.js';
import type { Volume } from '../../data/index.js';
import { ledgerFile, readLedger } from '../../federate/index.js';
import { type JobEvent, meanScore, progressOf, scoreCase } from '../../jobs/index.js';
import type { CaseScore } from '../../metrics/index.js';
import { disposeState, type State } from '../../nn/index.js';
import {
  type Adapter,
  profileOfCases,
  type Segmenter,
  saveAdapter,
  segmentVolumeWithPauses,
} from '../../segmenter/index.js';
import type { RunFolder } from '../folder.js';
import { checkpointPath, resultPath, statePath } from '../tasks.js';
import { standingResult } from '../whole.js';
import { federate } from './federated.js';
import type { FederationRecipe, RegimeTask, Variant } from './recipe.js';
import { ledgerPath, type RegimeResult } from './results.js';
import type { LoadedSite } from './sites.js';
import { tune } from './tuning.js';

/** All that a job needs. */
interface Bench {
  recipe: FederationRecipe;
  folder: RunFolder;
  seed: number;
  model: Segmenter;
  sites: LoadedSite[];
}

/** Whether the task is done and all that came out of it is whole; notes tell what is not. */
export function* stands(folder: RunFolder, task: RegimeTask): Generator<ProgressEvent, boolean> {
  const {
    name,
    key: { seed, plan, regime },
    variant,
  } = task;
  const result = yield* standingResult<RegimeResult>(folder, resultPath(task), name, ({ adapters }) => adapters);
  if (!result || regime !== 'federated') return result !== undefined;
  const file = folder.file(ledgerPath(seed, plan));
  if (isComplete(file, variant.federation.rounds)) return true;
  yield { kind: 'note', text: `${file} is missing or damaged: ${name} is done again` };
  return false;
}

/** A ledger's lines vouch for one another, and the last round for all. */
function isComplete(file: string, rounds: number): boolean {
  try {
    return readLedger(file).some((entry) => entry.kind === 'aggregated' && entry.round === rounds);
  } catch {
    return false;
  }
}

/** Trains, scores on the test cases of every site, and keeps the result in the run's folder. */
export async function* runTask(bench: Bench, task: RegimeTask): AsyncGenerator<ProgressEvent> {
  const { folder } = bench;
  const { name, variant, key } = task;
  const { regime, site } = key;
  const started = performance.now();
  const checkpoint = folder.file(checkpointPath(task));
  if (!folder.has(checkpointPath(task))) folder.move(statePath(task), checkpointPath(task));
  const trained = yield* progressOf(
    regime === 'federated'
      ? inRounds(bench, variant, name, checkpoint)
      : together(bench, variant, name, site, checkpoint),
    (record) => folder.log({ ...key, ...record }),
  );
  const seconds = (performance.now() - started) / 1000;
  const cases = yield* score(bench, name, trained.adapters);
  const { trainedParameters, travellingParameters, kept } = trained;
  const adapters = saveAdapters(folder, task, trained.adapters);
  if (regime === 'federated') keepLedger(folder, task, checkpoint);
  const counts = { trainedParameters, travellingParameters };
  folder.writeJson({ ...key, ...counts, adapters, kept, seconds, cases } satisfies RegimeResult, resultPath(task));
  folder.move(checkpointPath(task), statePath(task));
  yield { kind: 'note', text: `${name}, test cases: Dice ${meanScore(cases, 'dice').toFixed(3)}` };
}

function saveAdapters(folder: RunFolder, task: RegimeTask, adapters: Trained['adapters']): RegimeResult['adapters'] {
  const saved = adapters.map(({ site, adapter }) => {
    const file = `adapters/${[task.path, ...(site === null ? [] : [site])].join('/')}.safetensors`;
    const path = folder.file(file);
    saveAdapter(path, adapter);
    return { site, file, bytes: statSync(path).size, sha256: sha256(path) };
  });
  for (const { adapter } of adapters) disposeState(adapter.state);
  return saved;
}

function keepLedger(folder: RunFolder, { key: { seed, plan } }: RegimeTask, federation: string): void {
  writeFileAtomic(folder.file(ledgerPath(seed, plan)), readFileSync(ledgerFile(federation)));
}

interface Trained {
  adapters: { site: string | null; adapter: Adapter }[];
  trainedParameters: number;
  travellingParameters: number;
  kept: number;
}

/** One site alone, or all cases in one place. */
async function* together(
  { recipe, seed, model, sites }: Bench,
  variant: Variant,
  task: string,
  site: string | null,
  checkpoint: string,
): AsyncGenerator<JobEvent, Trained> {
  const { epochs = variant.federation.rounds, keep } = recipe;
  const chosen = site === null ? sites : sites.filter(({ name }) => name === site);
  const job = {
    ...{ task, model, variant, epochs, keep, seed, checkpoint, extend: true },
    name: site ?? 'all sites',
    sites: chosen,
  };
  const { adapter, trained, kept } = yield* tune(job);
  return {
    adapters: [{ site: null, adapter }],
    ...{ trainedParameters: trained, travellingParameters: 0, kept },
  };
}

async function* inRounds(
  { recipe, seed, model, sites }: Bench,
  variant: Variant,
  task: string,
  folder: string,
): AsyncGenerator<JobEvent, Trained> {
  const { keep } = recipe;
  const federated = yield* federate({ task, model, sites, variant, keep, seed, folder });
  const { kept, joined, trained, travelling } = federated;
  const { family, preparation, classes, fingerprint: base } = model;
  const adapterOf = (site: string | null, state: State): Trained['adapters'][number] => ({
    site,
    adapter: {
      ...{
        name: variant.name,
        family: family.name,
        method: variant.plan,
        options: variant.adapter,
        base,
        ...preparation,
        classes,
        state,
      },
      provenance: {
        ...{ data: sites.map(({ name }) => name).join(', '), seed: String(seed), rounds: String(kept.round) },
        ...(joined.length > 0 && { joined: joined.join(', ') }),
      },
    },
  });
  const apart = Object.entries(kept.sites);
  const adapters =
    apart.length > 0 ? apart.map(([site, state]) => adapterOf(site, state)) : [adapterOf(null, kept.shared)];
  for (const { site, adapter } of adapters) {
    const seen = sites.filter(({ name }) => site === null || name === site);
    model.use(adapter);
    try {
      adapter.profile = yield* profileOfCases(
        model,
        seen.flatMap(({ train, validation }) => [...train, ...validation]),
      );
    } finally {
      model.use(undefined);
    }
  }
  return {
    adapters,
    ...{ trainedParameters: trained, travellingParameters: travelling, kept: kept.round },
  };
}

/** Scores on the test cases of every site, by the site's own adapter where there is one. */
async function* score(
  { recipe, model, sites }: Bench,
  task: string,
  adapters: Trained['adapters'],
): AsyncGenerator<ProgressEvent, CaseScore[]> {
  const total = sites.reduce((sum, { test }) => sum + test.length, 0);
  yield { kind: 'task', name: `${task}: score` };
  const scores: CaseScore[] = [];
  try {
    for (const { name, test } of sites) {
      const { adapter } = adapters.find(({ site }) => site === null || site === name)!;
      model.use(adapter);
      for (const one of test) {
        const segment = (image: Volume) => segmentVolumeWithPauses(model, image, { case: one });
        scores.push(yield* scoreCase(one, segment, recipe.classes, recipe.toleranceMm));
        yield { kind: 'step', done: scores.length, total };
      }
    }
  } finally {
    model.use(undefined);
  }
  return scores;
}
