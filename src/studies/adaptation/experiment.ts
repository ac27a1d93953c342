/**
 * The adaptation experiment: for every seed a network is trained on the source, adapted to every target by every
 * method, and scored on target patients that it never saw. What is finished is on disk, so a killed run goes on.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import type { ProgressEvent } from '../../core/index.js';
import { type Pause, sha256 } from '../../core/index.js';
import { type Case, type Dataset, describeSplit, siteOf, splitCases, type Volume } from '../../data/index.js';
import { checkSafetensors } from '../../formats/index.js';
import { adaptModel, meanScore, progressOf, removeCheckpoints, scoreCase, trainModel } from '../../jobs/index.js';
import type { CaseScore } from '../../metrics/index.js';
import { disposeState } from '../../nn/index.js';
import {
  loadSegmenter,
  type Segmenter,
  saveAdapter,
  saveSegmenter,
  segmentVolumeWithPauses,
} from '../../segmenter/index.js';
import { chooseDevice, setThreads } from '../../torch/index.js';
import { Tracking } from '../../tracking/index.js';
import { cacheFolder } from '../cache.js';
import { findDataset, labelledCases, makePhantoms, withData } from '../dataset.js';
import { conclude, type Experiment } from '../findings.js';
import { asWritten, RunFolder, type RunOptions } from '../folder.js';
import { checkpointPath, modelPath, resultPath } from '../tasks.js';
import { standingResult } from '../whole.js';
import { extensionOf } from './extension.js';
import { adaptationFindings } from './findings.js';
import type { AdaptationTask, Recipe } from './recipe.js';
import { type Result, type SourceResult, sourcePath } from './results.js';
import type { Summary } from './summary.js';

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
): AsyncGenerator<ProgressEvent, Experiment<Summary>> {
  const recipe = withData(given, data);
  const device = chooseDevice(recipe.device);
  if (recipe.threads) setThreads(recipe.threads);
  const found = findDataset(recipe, file);
  // Before there is a folder: a mistake leaves none, and the corrected recipe can start.
  if (found) checkCases({ recipe, dataset: found });
  const extension = extensionOf(recipe, extend);
  const folder = new RunFolder(out, recipe, { resume: resume || extend, command, extension });
  const tracking = new Tracking(folder, asWritten(recipe));
  return yield* tracking.follow(carryOut({ recipe, folder, device }, found, tracking));
}

/** Everything that happens in the run's folder. @param found the data set on the disk */
async function* carryOut(
  { recipe, folder, device }: Omit<Plan, 'dataset'>,
  found: Dataset | undefined,
  tracking: Tracking,
): AsyncGenerator<ProgressEvent, Experiment<Summary>> {
  yield* folder.tell();
  const dataset = found ?? (yield* makePhantoms(recipe, folder));
  const plan: Plan = { recipe, folder, dataset, device };
  checkCases(plan);

  for (const seed of recipe.seeds) {
    const parts = splitAll(plan, seed);
    for (const [site, split] of Object.entries(parts))
      yield { kind: 'note', text: `seed ${seed}, ${site}: ${describeSplit(split)}` };
    const model = yield* sourceModel(plan, seed, parts[recipe.source]);
    for (const task of recipe.tasks.filter(({ key }) => key.seed === seed))
      yield* adaptAndScore(plan, model, parts[task.key.target], task);
    model.dispose();
  }
  return yield* conclude(adaptationFindings, plan, tracking);
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
  const name = modelPath(seed);
  const file = folder.file(name);
  const path = sourcePath(seed);
  const { toleranceMm, classes, architecture } = recipe;
  const task = `seed ${seed}: train on ${recipe.source}`;
  // A model without its scores was written last; they are quickly had again.
  const unscored = !folder.isWhole(path) && existsSync(file) && checkSafetensors(file) === 'whole';
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
  if (folder.isWhole(path) && folder.readJson<SourceResult>(path).model.sha256 !== result.model.sha256) {
    // On another machine the model that is made again is another one.
    yield { kind: 'note', text: `${task}: gives other bits here; what was made from the model before is done again` };
    for (const made of ['adapters', 'results'])
      rmSync(folder.file(made, `seed${seed}`), { recursive: true, force: true });
  }
  folder.writeJson(result, path);
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
  model: Segmenter,
  { adapt: adaptCases, test }: Record<string, Case[]>,
  asked: AdaptationTask,
): AsyncGenerator<ProgressEvent> {
  const { key, name: task, path, variant } = asked;
  const { seed, target } = key;
  const { toleranceMm } = recipe;
  const { name: _, label: __, ...config } = variant;
  const stands = standingResult<Result>(folder, resultPath(asked), task, ({ adapter }) => (adapter ? [adapter] : []));
  if (yield* stands) return;
  const started = performance.now();
  const job = {
    checkpoint: folder.file(checkpointPath(asked)),
    cache: cacheFolder(recipe, folder),
    cases: adaptCases,
    ...{ task, model, config, target, seed, toleranceMm },
  };
  const { adapter, trained, kept, guard, looks } = yield* progressOf(adaptModel(job), (record) =>
    folder.log({ ...key, ...record }),
  );
  const seconds = (performance.now() - started) / 1000;

  const name = `adapters/${path}.safetensors`;
  if (variant.method !== 'source') saveAdapter(folder.file(name), adapter);
  model.use(adapter);
  const cases = yield* scoreCases(model, test, recipe);
  model.use(undefined);
  folder.writeJson(
    {
      ...key,
      trainedParameters: trained,
      adapter:
        variant.method === 'source'
          ? null
          : { file: name, bytes: statSync(folder.file(name)).size, sha256: sha256(folder.file(name)) },
      kept: kept.candidate,
      ...(guard && { guard }),
      looks,
      seconds,
      cases,
    } satisfies Result,
    resultPath(asked),
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
