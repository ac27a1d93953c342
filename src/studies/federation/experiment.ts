/**
 * The federated experiment: for every seed one base model, trained after every plan at each site alone, on all cases in one
 * place, and in rounds; every model is scored on the test cases of every site. What is finished is on disk, so a killed
 * run goes on: with the next job, the next step of a job, or the round that was under way.
 */
import { existsSync } from 'node:fs';
import { type ProgressEvent, sha256, writeFileAtomic } from '../../core/index.js';
import { type Dataset, describeSplit } from '../../data/index.js';
import { describeFoundation, makeFoundation } from '../../jobs/index.js';
import { applyPlan } from '../../peft/index.js';
import { type Headline, renderFederationReport } from '../../report/index.js';
import { loadFoundation, loadSegmenter, planNamed, Segmenter, saveSegmenter } from '../../segmenter/index.js';
import { chooseDevice, onDevice, setThreads } from '../../torch/index.js';
import { Tracking } from '../../tracking/index.js';
import { cacheFolder, removeCache } from '../cache.js';
import { writeScores } from '../comparison/write-scores.js';
import { findDataset, makePhantoms, withData } from '../dataset.js';
import { RunFolder, type RunOptions } from '../folder.js';
import { standingTensors } from '../whole.js';
import { federationExtensionOf } from './extension.js';
import { gatherFederation } from './gather.js';
import { outcomeOfFederation } from './outcome.js';
import { type FederationRecipe, networkOf, variantsOf } from './recipe.js';
import { pathOf, stands, type Task, tasksOf } from './results.js';
import { nameOf, runTask } from './run-task.js';
import { freeSite, type LoadedSite, loadSite, splitSites } from './sites.js';
import { type FederationSummary, summariseFederation } from './summary.js';

/** What a finished run leaves. */
export interface FederationExperiment {
  folder: string;
  report: string;
  /** What is certain, in words. */
  headline: Headline;
  summary: FederationSummary;
}

/**
 * Runs the experiment; what it found lies in the folder. Ending the iteration early leaves what is needed to resume.
 *
 * @throws GraftError about the recipe, the data, the checkpoint or the folder, before anything long is started where possible
 */
export async function* runFederationExperiment(
  given: FederationRecipe,
  { out, data, resume = false, extend = false, file, command }: RunOptions,
): AsyncGenerator<ProgressEvent, FederationExperiment> {
  const recipe = withData(given, data);
  const device = chooseDevice(recipe.device);
  if (recipe.threads) setThreads(recipe.threads);
  const found = findDataset(recipe, file);
  // Before there is a folder: a mistake leaves none, and the corrected recipe can start.
  if (found) splitSites(recipe, found, recipe.seeds[0]);
  checkPlans(recipe);
  newModel(recipe, device, recipe.seeds[0]).model.dispose();
  const extension = federationExtensionOf(recipe, extend);
  const folder = new RunFolder(out, recipe, { resume: resume || extend, command, extension });
  const tracking = new Tracking(folder, recipe);
  return yield* tracking.follow(carryOut(recipe, folder, device, found, tracking));
}

/** Everything that happens in the run's folder. @param found the data set on the disk */
async function* carryOut(
  recipe: FederationRecipe,
  folder: RunFolder,
  device: string,
  found: Dataset | undefined,
  tracking: Tracking,
): AsyncGenerator<ProgressEvent, FederationExperiment> {
  for (const text of folder.remarks) yield { kind: 'note', text };
  yield* folder.tell();
  const dataset = found ?? (yield* makePhantoms(recipe, folder));
  const plans = variantsOf(recipe);

  yield* foundationOf(recipe, folder, device);
  for (const seed of recipe.seeds) {
    const left = new Map<string, Task>();
    for (const variant of plans)
      for (const task of tasksOf(recipe, seed, variant))
        if (!left.has(pathOf(task)) && !(yield* stands(folder, task, variant, nameOf(task))))
          left.set(pathOf(task), task);
    const hasModel = yield* standingTensors(modelFile(folder, seed), `the model of seed ${seed} is made again`);
    if (left.size === 0 && hasModel) continue;
    const splits = splitSites(recipe, dataset, seed);
    for (const { name, ...split } of splits)
      yield { kind: 'note', text: `seed ${seed}, ${name}: ${describeSplit(split)}` };
    const { model: reader } = newModel({ ...recipe, model: { ...recipe.model, checkpoint: undefined } }, device, seed);
    const sites: LoadedSite[] = [];
    for (const split of splits) sites.push(yield* loadSite(split, reader, cacheFolder(recipe, folder)));
    reader.dispose();
    const model = hasModel
      ? loadSegmenter(modelFile(folder, seed), { device })
      : yield* baseModel(recipe, folder, device, seed);
    for (const variant of plans)
      for (const task of tasksOf(recipe, seed, variant))
        if (left.delete(pathOf(task))) yield* runTask({ recipe, folder, seed, model, sites, variant }, task);
    for (const site of sites) freeSite(site);
    model.dispose();
  }
  yield { kind: 'task', name: 'report' };
  const summary = summariseFederation(folder, recipe);
  folder.writeJson(summary, 'results.json');
  writeScores(folder, { kind: 'federation', recipe });
  const report = folder.file('report.html');
  const gathered = yield* gatherFederation(folder, recipe, dataset);
  writeFileAtomic(report, renderFederationReport(gathered));
  await tracking.finish(() => outcomeOfFederation(gathered));
  removeCache(recipe, folder);
  yield { kind: 'done', name: 'report' };
  return { folder: folder.path, report, headline: gathered.headline, summary };
}

/** Finds plans that the network does not allow. @throws GraftError PLAN_EMPTY, ADAPTER_TARGET, ADAPTER_PLACE */
function checkPlans(recipe: FederationRecipe): void {
  onDevice('meta', () => {
    const { family, config } = networkOf(recipe);
    const network = family.build(config);
    for (const { plan, adapter } of variantsOf(recipe))
      applyPlan(network, planNamed(family, plan), family.adapter.parse(adapter)).undo();
  });
}

/** A model with the recipe's checkpoint, or one that has to learn everything. */
function newModel(recipe: FederationRecipe, device: string, seed: number, foundation = recipe.model.checkpoint) {
  const { classes, preprocessing, windows } = recipe;
  const preparation = { preprocessing, windows };
  // Nobody trains early heads here.
  const model = new Segmenter({ ...networkOf(recipe), classes, preparation, heads: [], device });
  model.initialise(seed);
  return { model, report: foundation === undefined ? undefined : loadFoundation(model, foundation) };
}

const modelFile = (folder: RunFolder, seed: number) => folder.file('models', `seed${seed}.safetensors`);
const foundationFile = 'models/foundation.safetensors';

/** Makes the foundation, where the recipe names none and there is none that is whole. */
async function* foundationOf(
  recipe: FederationRecipe,
  folder: RunFolder,
  device: string,
): AsyncGenerator<ProgressEvent> {
  const { checkpoint, architecture, pretrain, ...settings } = recipe.model;
  const out = folder.file(foundationFile);
  if (
    checkpoint ||
    !networkOf(recipe).family.loadFoundation ||
    (yield* standingTensors(out, 'the foundation is made again'))
  )
    return;
  if (recipe.seeds.some((seed) => existsSync(modelFile(folder, seed))) && !existsSync(out))
    yield { kind: 'note', text: `${out} is missing: the foundation is made again` };
  yield* makeFoundation(
    {
      ...{ architecture, settings, pretraining: pretrain, device, out },
      seed: recipe.seeds[0],
      checkpoint: folder.file('checkpoints', 'foundation.ckpt'),
    },
    (record) => folder.log(record as Record<string, unknown>),
  );
}

/** The frozen network of a seed: the foundation with a head for the classes. */
async function* baseModel(
  recipe: FederationRecipe,
  folder: RunFolder,
  device: string,
  seed: number,
): AsyncGenerator<ProgressEvent, Segmenter> {
  const { checkpoint } = recipe.model;
  const made = networkOf(recipe).family.loadFoundation ? folder.file(foundationFile) : undefined;
  const foundation = checkpoint ?? made;
  const { model, report } = newModel(recipe, device, seed, foundation);
  const from = foundation === undefined ? {} : { foundation: sha256(foundation) };
  saveSegmenter(modelFile(folder, seed), model, { ...from, seed: String(seed) });
  folder.log({ kind: 'foundation', seed, file: checkpoint ?? (made === undefined ? null : foundationFile), ...report });
  const told = report ? `foundation ${foundation}: tensors ${describeFoundation(report)}` : 'weights drawn anew';
  yield { kind: 'note', text: `seed ${seed}: ${told}` };
  return model;
}
