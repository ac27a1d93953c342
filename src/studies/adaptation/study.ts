/**
 * The adaptation study: for every seed a network is trained on the source, adapted to every target by every method, and
 * scored on target patients that it never saw.
 */
import { existsSync, rmSync } from 'node:fs';
import { type ProgressEvent, sha256 } from '../../core/index.js';
import { siteOf, splitCases } from '../../data/index.js';
import { checkSafetensors } from '../../formats/index.js';
import {
  adaptModel,
  freeSlices,
  type JobEvent,
  meanScore,
  progressOf,
  readSlices,
  removeCheckpoints,
  scoreModel,
  trainModel,
} from '../../jobs/index.js';
import { sourceMethod } from '../../report/index.js';
import { loadSegmenter, saveSegmenter } from '../../segmenter/index.js';
import { cacheFolder } from '../cache.js';
import { modelsOf, withPatient } from '../comparison/scores.js';
import { labelledCases } from '../dataset.js';
import { meansOf } from '../outcome.js';
import type { SeedRun, Study, Trained } from '../study.js';
import { checkpointPath, modelPath } from '../tasks.js';
import { standingResult } from '../whole.js';
import { refusals } from './extension.js';
import { type AdaptationTask, parseAdaptationRecipe, type Recipe } from './recipe.js';
import { reportOf } from './report.js';
import { readFound, type SourceResult, sourcePath } from './results.js';
import { type AdaptationKind, summarise } from './summary.js';
import { tablesOf } from './tables.js';

/** Whole networks, trained on a source and adapted without labels; see `runStudy`. */
export const adaptationStudy: Study<AdaptationKind> = {
  parse: parseAdaptationRecipe,
  check: () => {},
  split({ source, targets, groupBy, sourceGroupBy, split }, dataset, seed) {
    const divide = (site: string, purpose: string, parts: Record<string, number>, pattern: string | undefined) => {
      const cases = labelledCases(dataset, site, purpose);
      return [site, splitCases(cases, { parts, seed, ...(pattern && { groupBy: pattern }) })] as const;
    };
    // A site that is missing is named before one that has too few cases.
    for (const site of [source, ...targets]) siteOf(dataset, site);
    return Object.fromEntries([
      ...targets.map((target) => divide(target, 'scoring', split.target, groupBy)),
      divide(source, 'training', split.source, sourceGroupBy),
    ]);
  },
  refusals,
  prepare: () => [],
  base: sourceModel,
  files: ({ adapter }) => (adapter ? [adapter] : []),
  fault: () => undefined,
  open: ({ folder, device, seed }) => ({
    ...{ model: loadSegmenter(folder.file(modelPath(seed)), { device }), target: '', slices: [] },
    [Symbol.dispose]() {
      freeSlices(this.slices);
      this.model.dispose();
    },
  }),
  train: adaptTo,
  settle: (folder, task) => removeCheckpoints(folder.file(checkpointPath(task))),
  read: readFound,
  // The networks on their own domain, which no comparison counts, and every method on every target.
  models: ({ groupBy, sourceGroupBy }, { done, sources }) => [
    ...sources.map(({ seed, cases }) => ({
      ...{ entry: sourceMethod, seed, method: sourceMethod, regime: null, trainedAt: null, compared: [] },
      cases: cases.map((score) => withPatient(score, sourceGroupBy)),
    })),
    ...modelsOf(done, (score) => withPatient(score, groupBy)),
  ],
  summarise,
  tables: tablesOf,
  scores: ({ methods }) =>
    methods.map(({ name, surfaceDice, dice }) => ({
      series: ['test', name],
      values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
    })),
  report: reportOf,
};

/** Trains the network on the source and scores it there, unless a model with its scores stands. */
async function* sourceModel({ recipe, folder, device, seed, splits }: SeedRun<Recipe>): AsyncGenerator<ProgressEvent> {
  const { source, toleranceMm, classes, network, architecture, preprocessing, training } = recipe;
  const { train, validation, test } = splits[source];
  const [name, path] = [modelPath(seed), sourcePath(seed)];
  const file = folder.file(name);
  const task = `seed ${seed}: train on ${source}`;
  // A model without its scores was written last; they are quickly had again.
  const unscored = !folder.isWhole(path) && existsSync(file) && checkSafetensors(file) === 'whole';
  const again = unscored ? `scoring on ${source}` : task;
  if (yield* standingResult<SourceResult>(folder, path, again, (result) => [result.model])) return;

  const job = {
    ...{ task, network, architecture, preprocessing, training, classes, train, validation, seed, toleranceMm, device },
    checkpoint: folder.file('checkpoints', `seed${seed}`),
    cache: cacheFolder(recipe, folder),
  };
  const model = unscored
    ? loadSegmenter(file, { device })
    : yield* progressOf(trainModel(job), (record) => folder.log({ seed, ...record }));
  if (!unscored) saveSegmenter(file, model, { seed: String(seed), source });
  const cases = yield* scoreModel(`seed ${seed}: score on ${source}`, model, test, recipe);
  model.dispose();
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
  yield { kind: 'note', text: `seed ${seed}: ${source} itself, unseen cases: surface Dice ${score}` };
}

async function* adaptTo(
  { recipe, folder, seed, splits }: SeedRun<Recipe>,
  bench: AdaptationKind['bench'],
  task: AdaptationTask,
): AsyncGenerator<JobEvent, Trained> {
  const { model } = bench;
  const { target } = task.key;
  const { name: _, label: __, ...config } = task.variant;
  if (bench.target !== target) {
    freeSlices(bench.slices.splice(0));
    const options = { labels: false, cache: cacheFolder(recipe, folder) };
    bench.slices = yield* readSlices(`seed ${seed}: ${target}`, splits[target].adapt, model, options);
    bench.target = target;
  }
  const { adapter, trained, kept, guard, looks } = yield* adaptModel({
    ...{ task: task.name, model, slices: bench.slices, config, target, seed, toleranceMm: recipe.toleranceMm },
    checkpoint: folder.file(checkpointPath(task)),
  });
  return {
    adapters: [{ site: null, adapter }],
    kept: config.method !== sourceMethod,
    result: ([saved]) => ({
      trainedParameters: trained,
      adapter: saved ? { file: saved.file, bytes: saved.bytes, sha256: saved.sha256 } : null,
      kept: kept.candidate,
      ...(guard && { guard }),
      looks,
    }),
    notes: guard ? [guard] : [],
  };
}
