/**
 * The adaptation study: for every seed a network is trained on the source, adapted to every target by every method, and
 * scored on target patients that it never saw. Labels of targets are read to score, and to train an oracle.
 */
import { existsSync, rmSync } from 'node:fs';
import { type ProgressEvent, sha256 } from '../../core/index.js';
import { foldCases, type Split, siteOf, splitCases } from '../../data/index.js';
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
  trainFurther,
  trainModel,
} from '../../jobs/index.js';
import { countElements } from '../../nn/index.js';
import { sourceMethod } from '../../report/index.js';
import { loadSegmenter, saveSegmenter } from '../../segmenter/index.js';
import { cacheFolder } from '../cache.js';
import { labelledCases } from '../dataset.js';
import { meansOf } from '../outcome.js';
import { doneLine, networkEntry } from '../pace.js';
import { leftOutFault, leftOutIn, patientsOf, splitBeside } from '../patients.js';
import type { SeedRun, Study, Trained } from '../study.js';
import { checkpointPath, modelPath } from '../tasks.js';
import { standingResult } from '../whole.js';
import { refusals } from './extension.js';
import { type AdaptationTask, type Oracle, parseAdaptationRecipe, type Recipe, splitName } from './recipe.js';
import { candidatesOn, partsOf, reportOf } from './report.js';
import { modelsFound, readFound, type SourceResult, sourcePath } from './results.js';
import { type AdaptationKind, summarise } from './summary.js';
import { tablesOf } from './tables.js';

/** Whole networks, trained on a source and adapted without labels; see `runStudy`. */
export const adaptationStudy: Study<AdaptationKind> = {
  parse: parseAdaptationRecipe,
  check: () => {},
  split({ source, targets, groupBy, sourceGroupBy, split }, dataset, seed) {
    const { folds, adapt, test } = split.target;
    const ofTarget = (target: string): [string, Split][] => {
      const cases = labelledCases(dataset, target, 'scoring');
      const how = { seed, ...(groupBy && { groupBy }) };
      return folds === undefined
        ? [[target, splitCases(cases, { parts: { adapt: adapt!, test: test! }, ...how })]]
        : foldCases(cases, { folds, ...how }).map((one, i) => [splitName(target, i + 1), one]);
    };
    // A site that is missing is named before one that has too few cases.
    for (const site of [source, ...targets]) siteOf(dataset, site);
    const drawn = targets.flatMap(ofTarget);
    const scored = patientsOf(
      drawn.flatMap(([, { test }]) => test),
      groupBy,
    );
    const cases = labelledCases(dataset, source, 'training');
    const how = { parts: split.source, seed, ...(sourceGroupBy && { groupBy: sourceGroupBy }) };
    return Object.fromEntries([...drawn, [source, splitBeside(cases, how, scored)]]);
  },
  refusals,
  prepare: () => [],
  base: sourceModel,
  files: ({ adapter }) => (adapter ? [adapter] : []),
  fault: () => undefined,
  open: ({ folder, device, seed }) => ({
    ...{ model: loadSegmenter(folder.file(modelPath(seed)), { device }), adaptedTo: '', slices: [] },
    [Symbol.dispose]() {
      freeSlices(this.slices);
      this.model.dispose();
    },
  }),
  train: adaptTo,
  settle: (folder, task) => removeCheckpoints(folder.file(checkpointPath(task))),
  read: readFound,
  models: modelsFound,
  summarise,
  tables: tablesOf,
  scores: ({ methods }) =>
    methods.map(({ name, surfaceDice, dice }) => ({
      series: ['test', name],
      values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
    })),
  report: reportOf,
  parts: partsOf,
  candidates: candidatesOn,
};

/** Trains the network on the source and scores it there, unless a model with its scores stands. */
async function* sourceModel({ recipe, folder, device, seed, splits }: SeedRun<Recipe>): AsyncGenerator<ProgressEvent> {
  const { source, toleranceMm, classes, network, architecture, preprocessing, postprocessing, training } = recipe;
  const { train, validation, test } = splits[source];
  const [name, path] = [modelPath(seed), sourcePath(seed)];
  const file = folder.file(name);
  const task = `seed ${seed}: train on ${source}`;
  // A model without its scores was written last; they are quickly had again.
  const unscored = !folder.isWhole(path) && existsSync(file) && checkSafetensors(file) === 'whole';
  const again = unscored ? `scoring on ${source}` : task;
  const fault = (result: SourceResult) => leftOutFault(result, splits);
  if (yield* standingResult<SourceResult>(folder, path, again, (result) => [result.model], fault)) return;

  const started = performance.now();
  const job = {
    ...{ task, network, architecture, preprocessing, postprocessing, training, classes, train, validation },
    ...{ seed, toleranceMm, device },
    checkpoint: folder.file('checkpoints', `seed${seed}`),
    cache: cacheFolder(recipe, folder),
  };
  const model = unscored
    ? loadSegmenter(file, { device })
    : yield* progressOf(trainModel(job), (record) => folder.log({ seed, ...record }));
  if (!unscored) saveSegmenter(file, model, { seed: String(seed), source });
  const cases = yield* scoreModel(`seed ${seed}: score on ${source}`, model, test, recipe);
  model.dispose();
  const result: SourceResult = { seed, model: { file: name, sha256: sha256(file) }, ...leftOutIn(splits), cases };
  if (folder.isWhole(path) && folder.readJson<SourceResult>(path).model.sha256 !== result.model.sha256) {
    // On another machine, or on other cases, the model that is made again is another one.
    yield { kind: 'note', text: `${task}: gives other bits now; what was made from the model before is done again` };
    for (const made of ['adapters', 'results'])
      rmSync(folder.file(made, `seed${seed}`), { recursive: true, force: true });
  }
  folder.writeJson(result, path);
  removeCheckpoints(job.checkpoint);
  if (!unscored) folder.log({ seed, ...doneLine(networkEntry, started) });
  const score = meanScore(cases, 'surfaceDice').toFixed(3);
  yield { kind: 'note', text: `seed ${seed}: ${source} itself, unseen cases: surface Dice ${score}` };
}

async function* adaptTo(
  run: SeedRun<Recipe>,
  bench: AdaptationKind['bench'],
  task: AdaptationTask,
): AsyncGenerator<JobEvent, Trained> {
  const { variant } = task;
  if ('training' in variant) return yield* trainOracle(run, bench.model, task, variant);
  const { recipe, folder, seed, splits } = run;
  const { model } = bench;
  const { target, fold } = task.key;
  const { name: _, label: __, ...config } = variant;
  const split = splitName(target, fold);
  if (bench.adaptedTo !== split) {
    freeSlices(bench.slices.splice(0));
    const options = { labels: false, cache: cacheFolder(recipe, folder) };
    const place = fold === undefined ? target : `${target}, fold ${fold}`;
    bench.slices = yield* readSlices(`seed ${seed}: ${place}`, splits[split].adapt, model, options);
    bench.adaptedTo = split;
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

/** On the patients that methods adapt to without labels; no file is kept of a model that has seen them. */
async function* trainOracle(
  { recipe, folder, seed, splits }: SeedRun<Recipe>,
  source: AdaptationKind['bench']['model'],
  task: AdaptationTask,
  { training }: Oracle,
): AsyncGenerator<JobEvent, Trained> {
  const { target, fold } = task.key;
  const model = yield* trainFurther({
    ...{ task: task.name, model: source, train: splits[splitName(target, fold)].adapt, training, seed },
    checkpoint: folder.file(checkpointPath(task)),
    cache: cacheFolder(recipe, folder),
  });
  const trainedParameters = countElements(model.network.parameters().values());
  return {
    ...{ adapters: [], kept: false, model, notes: [] },
    result: () => ({ trainedParameters, adapter: null, kept: training.epochs, looks: [] }),
  };
}
