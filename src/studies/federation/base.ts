/** The frozen network that the sites of a federated study train parts of: a foundation with a head for the classes. */
import { existsSync } from 'node:fs';
import { type ProgressEvent, sha256 } from '../../core/index.js';
import { describeFoundation, makeFoundation } from '../../jobs/index.js';
import { applyPlan } from '../../peft/index.js';
import { loadFoundation, planNamed, Segmenter, saveSegmenter } from '../../segmenter/index.js';
import { onDevice } from '../../torch/index.js';
import type { SeedRun } from '../study.js';
import { modelPath } from '../tasks.js';
import { standingTensors } from '../whole.js';
import { type FederationRecipe, networkOf } from './recipe.js';

/**
 * Finds plans that the network does not allow, and a checkpoint that does not suit it.
 * @throws GraftError PLAN_EMPTY, ADAPTER_TARGET, ADAPTER_PLACE, and about the checkpoint
 */
export function checkNetwork(recipe: FederationRecipe, device: string): void {
  onDevice('meta', () => {
    const { family, config } = networkOf(recipe);
    const network = family.build(config);
    for (const { plan, adapter } of recipe.variants)
      applyPlan(network, planNamed(family, plan), family.adapter.parse(adapter)).undo();
  });
  newModel(recipe, device, recipe.seeds[0], recipe.model.checkpoint).model.dispose();
}

/** Makes the model of a seed from the recipe's checkpoint, a foundation that is made here, or weights drawn anew. */
export async function* baseModel(run: SeedRun<FederationRecipe>): AsyncGenerator<ProgressEvent> {
  const { recipe, folder, device, seed } = run;
  if (seed === recipe.seeds[0]) yield* foundationOf(run);
  const file = folder.file(modelPath(seed));
  if (yield* standingTensors(file, `the model of seed ${seed} is made again`)) return;
  const { told, report } = writeBase(recipe, { seed, device, out: file, made: folder.file(foundationFile) });
  const { checkpoint } = recipe.model;
  const foundation = checkpoint ?? (makesFoundation(recipe) ? foundationFile : null);
  folder.log({ kind: 'foundation', seed, file: foundation, ...report });
  yield { kind: 'note', text: `seed ${seed}: ${told}` };
}

/** What `makeBase` needs beside the recipe. */
export interface BaseJob {
  device: string;
  /** The model's file. */
  out: string;
  /** File of the foundation, where the recipe names no checkpoint and its network has foundations. */
  foundation: string;
}

/**
 * Makes the model that a recipe's federated tasks of the first seed start from, as a run of the recipe does.
 *
 * @throws GraftError about the checkpoint
 */
export async function* makeBase(
  recipe: FederationRecipe,
  { device, out, foundation }: BaseJob,
): AsyncGenerator<ProgressEvent> {
  const [seed] = recipe.seeds;
  if (makesFoundation(recipe))
    yield* makeFoundation({
      ...foundationJob(recipe, seed, device),
      out: foundation,
      checkpoint: `${foundation}.ckpt`,
    });
  yield { kind: 'note', text: writeBase(recipe, { seed, device, out, made: foundation }).told };
}

/** Whether there is to be a foundation, and the recipe names none. */
const makesFoundation = (recipe: FederationRecipe): boolean =>
  recipe.model.checkpoint === undefined && networkOf(recipe).family.loadFoundation !== undefined;

function foundationJob({ model }: FederationRecipe, seed: number, device: string) {
  const { checkpoint: _, architecture, pretrain: pretraining, ...settings } = model;
  return { architecture, settings, pretraining, seed, device };
}

/** Writes a model. @param made the foundation that was made here */
function writeBase(
  recipe: FederationRecipe,
  { seed, device, out, made }: { seed: number; device: string; out: string; made: string },
) {
  const foundation = makesFoundation(recipe) ? made : recipe.model.checkpoint;
  const { model, report } = newModel(recipe, device, seed, foundation);
  const from = foundation === undefined ? {} : { foundation: sha256(foundation) };
  saveSegmenter(out, model, { ...from, seed: String(seed) });
  model.dispose();
  const told = report ? `foundation ${foundation}: tensors ${describeFoundation(report)}` : 'weights drawn anew';
  return { report, told };
}

/** A model from a foundation, or one that has to learn everything. */
function newModel(recipe: FederationRecipe, device: string, seed: number, foundation: string | undefined) {
  const { classes, preprocessing, windows } = recipe;
  const preparation = { preprocessing, windows };
  // Nobody trains early heads here.
  const model = new Segmenter({ ...networkOf(recipe), classes, preparation, heads: [], device });
  model.initialise(seed);
  return { model, report: foundation === undefined ? undefined : loadFoundation(model, foundation) };
}

const foundationFile = 'models/foundation.safetensors';

/** Makes the foundation, where the recipe names none and there is none that is whole. */
async function* foundationOf(run: SeedRun<FederationRecipe>): AsyncGenerator<ProgressEvent> {
  const { recipe, folder, device, seed } = run;
  const out = folder.file(foundationFile);
  if (!makesFoundation(recipe) || (yield* standingTensors(out, 'the foundation is made again'))) return;
  if (recipe.seeds.some((one) => folder.has(modelPath(one))) && !existsSync(out))
    yield { kind: 'note', text: `${out} is missing: the foundation is made again` };
  const checkpoint = folder.file('checkpoints', 'foundation.ckpt');
  yield* makeFoundation({ ...foundationJob(recipe, seed, device), out, checkpoint }, (record) =>
    folder.log(record as Record<string, unknown>),
  );
}
