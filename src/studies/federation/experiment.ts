/**
 * The federated experiment: for every seed one base model, trained after every plan at each site alone, on all cases in one
 * place, and in rounds; every model is scored on the test cases of every site. What is finished is on disk, so a killed
 * run goes on: with the next job, the next step of a job, or the round that was under way.
 */
import { existsSync } from 'node:fs';
import { type ProgressEvent, sha256 } from '../../core/index.js';
import { type Dataset, describeSplit } from '../../data/index.js';
import { describeFoundation, makeFoundation } from '../../jobs/index.js';
import { applyPlan } from '../../peft/index.js';
import { loadFoundation, loadSegmenter, planNamed, Segmenter, saveSegmenter } from '../../segmenter/index.js';
import { chooseDevice, onDevice, setThreads } from '../../torch/index.js';
import { Tracking } from '../../tracking/index.js';
import { cacheFolder } from '../cache.js';
import { findDataset, makePhantoms, withData } from '../dataset.js';
import { conclude, type Experiment } from '../findings.js';
import { asWritten, RunFolder, type RunOptions } from '../folder.js';
import { modelPath } from '../tasks.js';
import { standingTensors } from '../whole.js';
import { federationExtensionOf } from './extension.js';
import { federationFindings } from './findings.js';
import { type FederationRecipe, networkOf, type RegimeTask } from './recipe.js';
import { runTask, stands } from './run-task.js';
import { freeSite, type LoadedSite, loadSite, splitSites } from './sites.js';
import type { FederationSummary } from './summary.js';

/**
 * Runs the experiment; what it found lies in the folder. Ending the iteration early leaves what is needed to resume.
 *
 * @throws GraftError about the recipe, the data, the checkpoint or the folder, before anything long is started where possible
 */
export async function* runFederationExperiment(
  given: FederationRecipe,
  { out, data, resume = false, extend = false, file, command }: RunOptions,
): AsyncGenerator<ProgressEvent, Experiment<FederationSummary>> {
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
  const tracking = new Tracking(folder, asWritten(recipe));
  return yield* tracking.follow(carryOut(recipe, folder, device, found, tracking));
}

/** Everything that happens in the run's folder. @param found the data set on the disk */
async function* carryOut(
  recipe: FederationRecipe,
  folder: RunFolder,
  device: string,
  found: Dataset | undefined,
  tracking: Tracking,
): AsyncGenerator<ProgressEvent, Experiment<FederationSummary>> {
  for (const text of folder.remarks) yield { kind: 'note', text };
  yield* folder.tell();
  const dataset = found ?? (yield* makePhantoms(recipe, folder));

  yield* foundationOf(recipe, folder, device);
  for (const seed of recipe.seeds) {
    const left = new Map<string, RegimeTask>();
    for (const task of recipe.tasks)
      if (task.key.seed === seed && !left.has(task.path) && !(yield* stands(folder, task))) left.set(task.path, task);
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
    for (const task of left.values()) yield* runTask({ recipe, folder, seed, model, sites }, task);
    for (const site of sites) freeSite(site);
    model.dispose();
  }
  return yield* conclude(federationFindings, { recipe, folder, dataset }, tracking);
}

/** Finds plans that the network does not allow. @throws GraftError PLAN_EMPTY, ADAPTER_TARGET, ADAPTER_PLACE */
function checkPlans(recipe: FederationRecipe): void {
  onDevice('meta', () => {
    const { family, config } = networkOf(recipe);
    const network = family.build(config);
    for (const { plan, adapter } of recipe.variants)
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

const modelFile = (folder: RunFolder, seed: number) => folder.file(modelPath(seed));
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
