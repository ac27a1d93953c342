/**
 * The adaptation experiment: for every seed a network is trained on the source, adapted to every target by every
 * method, and scored on target patients that it never saw. What is finished is on disk, so a killed run goes on.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import type { ProgressEvent } from '../core/index.js';
import { type Pause, sha256, writeFileAtomic } from '../core/index.js';
import { type Case, type Dataset, describeSplit, siteOf, splitCases, type Volume } from '../data/index.js';
import { checkSafetensors } from '../formats/index.js';
import { adaptModel, meanScore, progressOf, removeCheckpoints, scoreCase, trainModel } from '../jobs/index.js';
import type { CaseScore } from '../metrics/index.js';
import { disposeState } from '../nn/index.js';
import { type Headline, renderReport } from '../report/index.js';
import {
  loadSegmenter,
  type Segmenter,
  saveAdapter,
  saveSegmenter,
  segmentVolumeWithPauses,
} from '../segmenter/index.js';
import { chooseDevice, setThreads } from '../torch/index.js';
import { Tracking } from '../tracking/index.js';
import { cacheFolder, removeCache } from './cache.js';
import { writeScores } from './comparison/write-scores.js';
import { findDataset, labelledCases, makePhantoms, withData } from './dataset.js';
import { extensionOf } from './extension.js';
import { RunFolder, type RunOptions } from './folder.js';
import { gatherReport } from './gather.js';
import { outcomeOf } from './outcome.js';
import { methodsOf, type NamedMethod, type Recipe } from './recipe.js';
import type { Result, SourceResult } from './result.js';
import { type Summary, summarise } from './summary.js';
import { standingResult } from './whole.js';

/** What a finished run leaves. */
export interface Experiment {
  folder: string;
  report: string;
  /** What is certain, in words. */
  headline: Headline;
  summary: Summary;
}

interface Plan {
  recipe: Recipe;
  folder: RunFolder;
  dataset: Dataset;
  device: string;
}

/**
 * Runs the experiment; what it found lies in the folder. Ending the iteration early leaves checkpoints to resume from.
 *
 * @param data overrules the recipe's data set
 * @throws GraftError about the recipe, the data or the folder, before anything long is started where possible
 */
export async function* runExperiment(
  given: Recipe,
  { out, data, resume = false, extend = false, file, command }: RunOptions,
): AsyncGenerator<ProgressEvent, Experiment> {
  const recipe = withData(given, data);
  const device = chooseDevice(recipe.device);
  if (recipe.threads) setThreads(recipe.threads);
  const found = findDataset(recipe, file);
  // Before there is a folder: a mistake leaves none, and the corrected recipe can start.
  if (found) checkCases({ recipe, dataset: found });
  const extension = extensionOf(recipe, extend);
  const folder = new RunFolder(out, recipe, { resume: resume || extend, command, extension });
  const tracking = new Tracking(folder, recipe);
  return yield* tracking.follow(carryOut({ recipe, folder, device }, found, tracking));
}

/** Everything that happens in the run's folder. @param found the data set on the disk */
async function* carryOut(
  { recipe, folder, device }: Omit<Plan, 'dataset'>,
  found: Dataset | undefined,
  tracking: Tracking,
): AsyncGenerator<ProgressEvent, Experiment> {
  yield* folder.tell();
  const dataset = found ?? (yield* makePhantoms(recipe, folder));
  const plan: Plan = { recipe, folder, dataset, device };
  checkCases(plan);

  for (const seed of recipe.seeds) {
    const parts = splitAll(plan, seed);
    for (const [site, split] of Object.entries(parts))
      yield { kind: 'note', text: `seed ${seed}, ${site}: ${describeSplit(split)}` };
    const model = yield* sourceModel(plan, seed, parts[recipe.source]);
    for (const target of recipe.targets)
      for (const method of methodsOf(recipe)) yield* adaptAndScore(plan, seed, model, target, parts[target], method);
    model.dispose();
  }
  yield { kind: 'task', name: 'report' };
  const summary = summarise(folder, recipe);
  folder.writeJson(summary, 'results.json');
  writeScores(folder, { kind: 'adaptation', recipe });
  const report = folder.file('report.html');
  const gathered = yield* gatherReport(folder, recipe, dataset);
  writeFileAtomic(report, renderReport(gathered));
  await tracking.finish(() => outcomeOf(summary, gathered));
  removeCache(recipe, folder);
  yield { kind: 'done', name: 'report' };
  return { folder: folder.path, report, headline: gathered.headline, summary };
}

/** Finds missing sites and labels, and splits that the cases do not allow, before hours are spent. */
function checkCases({ recipe, dataset }: Pick<Plan, 'recipe' | 'dataset'>): void {
  for (const site of [recipe.source, ...recipe.targets]) siteOf(dataset, site);
  splitAll({ recipe, dataset }, recipe.seeds[0]);
}

function splitAll(
  { recipe, dataset }: Pick<Plan, 'recipe' | 'dataset'>,
  seed: number,
): Record<string, Record<string, Case[]>> {
  const { source, targets, groupBy, sourceGroupBy } = recipe;
  const split = (site: string, purpose: string, parts: Record<string, number>, pattern: string | undefined) => {
    const cases = labelledCases(dataset, site, purpose);
    return [site, splitCases(cases, { parts, seed, ...(pattern && { groupBy: pattern }) })] as const;
  };
  return Object.fromEntries([
    ...targets.map((target) => split(target, 'scoring', recipe.split.target, groupBy)),
    split(source, 'training', recipe.split.source, sourceGroupBy),
  ]);
}

async function* sourceModel(
  { recipe, folder, device }: Plan,
  seed: number,
  { train, validation, test }: Record<string, Case[]>,
): AsyncGenerator<ProgressEvent, Segmenter> {
  const name = `models/seed${seed}.safetensors`;
  const file = folder.file(name);
  const path = ['results', `seed${seed}`, 'source.json'];
  const { toleranceMm, classes, architecture } = recipe;
  const task = `seed ${seed}: train on ${recipe.source}`;
  // A model without its scores was written last; they are quickly had again.
  const unscored = !folder.isWhole(...path) && existsSync(file) && checkSafetensors(file) === 'whole';
  const again = unscored ? `scoring on ${recipe.source}` : task;
  if (yield* standingResult<SourceResult>(folder, path, again, (result) => [result.model]))
    return loadSegmenter(file, { device });

  const job = {
    task,
    network: recipe.network,
    architecture,
    preprocessing: recipe.preprocessing,
    training: recipe.training,
    checkpoint: folder.file('checkpoints', `seed${seed}`),
    cache: cacheFolder(recipe, folder),
    ...{ classes, train, validation, seed, toleranceMm, device },
  };
  const model = unscored
    ? loadSegmenter(file, { device })
    : yield* progressOf(trainModel(job), (record) => folder.log({ seed, ...record }));
  if (!unscored) saveSegmenter(file, model, { seed: String(seed), source: recipe.source });
  const cases = yield* scoreCases(model, test, recipe);
  const result: SourceResult = { seed, model: { file: name, sha256: sha256(file) }, cases };
  if (folder.isWhole(...path) && folder.readJson<SourceResult>(...path).model.sha256 !== result.model.sha256) {
    // On another machine the model that is made again is another one.
    yield { kind: 'note', text: `${task}: gives other bits here; what was made from the model before is done again` };
    for (const made of ['adapters', 'results'])
      rmSync(folder.file(made, `seed${seed}`), { recursive: true, force: true });
  }
  folder.writeJson(result, ...path);
  removeCheckpoints(job.checkpoint);
  const score = meanScore(cases, 'surfaceDice').toFixed(3);
  yield { kind: 'note', text: `seed ${seed}: ${recipe.source} itself, unseen cases: surface Dice ${score}` };
  return model;
}

async function* scoreCases(
  model: Segmenter,
  test: readonly Case[],
  { classes, toleranceMm }: Recipe,
): AsyncGenerator<Pause, CaseScore[]> {
  const scores: CaseScore[] = [];
  for (const one of test) {
    const segment = (image: Volume) => segmentVolumeWithPauses(model, image, { case: one });
    scores.push(yield* scoreCase(one, segment, classes, toleranceMm));
  }
  return scores;
}

async function* adaptAndScore(
  { recipe, folder }: Plan,
  seed: number,
  model: Segmenter,
  target: string,
  { adapt: adaptCases, test }: Record<string, Case[]>,
  method: NamedMethod,
): AsyncGenerator<ProgressEvent> {
  const result = ['results', `seed${seed}`, target, `${method.name}.json`];
  const { toleranceMm } = recipe;
  const { name: _, label, ...config } = method;
  const task = `seed ${seed}: ${label} on ${target}`;
  if (yield* standingResult<Result>(folder, result, task, ({ adapter }) => (adapter ? [adapter] : []))) return;
  const started = performance.now();
  const job = {
    checkpoint: folder.file('checkpoints', `seed${seed}-${target}-${method.name}`),
    cache: cacheFolder(recipe, folder),
    cases: adaptCases,
    ...{ task, model, config, target, seed, toleranceMm },
  };
  const { adapter, trained, kept, guard, looks } = yield* progressOf(adaptModel(job), (record) =>
    folder.log({ seed, target, method: method.name, ...record }),
  );
  const seconds = (performance.now() - started) / 1000;

  const name = `adapters/seed${seed}/${target}/${method.name}.safetensors`;
  if (method.method !== 'source') saveAdapter(folder.file(name), adapter);
  model.use(adapter);
  const cases = yield* scoreCases(model, test, recipe);
  model.use(undefined);
  folder.writeJson(
    {
      seed,
      target,
      method: method.name,
      trainedParameters: trained,
      adapter:
        method.method === 'source'
          ? null
          : { file: name, bytes: statSync(folder.file(name)).size, sha256: sha256(folder.file(name)) },
      kept: kept.candidate,
      ...(guard && { guard }),
      looks,
      seconds,
      cases,
    } satisfies Result,
    ...result,
  );
  removeCheckpoints(job.checkpoint);
  disposeState(adapter.state);
  if (guard) yield { kind: 'note', text: `${task}: ${guard}` };
  yield {
    kind: 'done',
    name: task,
    values: { surfaceDice: meanScore(cases, 'surfaceDice'), dice: meanScore(cases, 'dice') },
  };
}
