/**
 * Models and adapters in the form of other programs: an adapter as the Python package peft keeps one, and weights under the
 * names that the network's reference code gives them. Preparation of images is not part of either form.
 *
 * peft's adapter is a folder of two files: `adapter_config.json` says which layers are adapted and with which rank,
 * `adapter_model.safetensors` has the factors. What was trained without factors, such as a part of a decoder or
 * normalisations, is kept there whole (`modules_to_save`).
 */
import { join } from 'node:path';
import { writeFileAtomic } from '../core/index.js';
import { BatchNorm2d, type State, writeState } from '../nn/index.js';
import { changeOf, type LowRankUpdate } from '../peft/index.js';
import { noGrad, scope, zeros } from '../torch/index.js';
import { segmenterError } from './errors.js';
import type { Segmenter } from './segmenter.js';

/** Tells Python's loaders whose tensors these are. */
const ofTorch = { format: 'pt' };
const prefix = 'base_model.model.';

export interface ExportedPeft {
  files: [config: string, tensors: string];
  /** By path. */
  adapted: string[];
  saved: string[];
}

/**
 * Writes the adapter in use as peft reads it. The base model that it belongs to is the network without an adapter
 * (`exportWeights`).
 *
 * @throws GraftError ADAPTER_NO_PRODUCT where it has no such form, WRITE_FAILED
 */
export function exportPeft(model: Segmenter, folder: string): ExportedPeft {
  const { inUse, network } = model;
  if (!inUse?.attached) throw segmenterError('EXPORT_WITHOUT_FACTORS', { adapter: inUse?.adapter.name ?? 'the model' });
  const { adapter, attached } = inUse;
  return scope(() =>
    noGrad(() => {
      const own = attached.parameters();
      const state = network.state();
      const trained = [...adapter.state.keys()].filter((name) => !own.has(state.get(name)!));
      const paths = new Map([...network.modules()].map(([path, module]) => [module, path]));
      const saved = outermost(trained.map((name) => name.slice(0, name.lastIndexOf('.'))));
      const updates = attached.lowRank().map((update) => ({ ...update, path: paths.get(update.layer)! }));
      const [merged, factored] = [true, false].map((is) => updates.filter(({ path }) => isWithin(path, saved) === is));
      if (factored.length === 0) throw segmenterError('EXPORT_WITHOUT_FACTORS', { adapter: adapter.name });
      const whole: State = new Map([...state].filter(([name, value]) => !own.has(value) && isWithin(name, saved)));
      for (const [path, module] of network.modules())
        if (module instanceof BatchNorm2d && isWithin(path, saved))
          whole.set(`${path}.num_batches_tracked`, zeros([], { dtype: 'int64' })); // PyTorch's has one, and peft asks for it
      // peft keeps a module whole or adapts it, not both.
      for (const update of merged) whole.set(`${update.path}.weight`, update.layer.weight.add(changeOf(update)));
      const tensors: State = new Map([
        ...[...whole].map(([name, value]) => [prefix + name, value] as const),
        ...factored.flatMap(({ path, a, b }) => [
          [`${prefix}${path}.lora_A.weight`, a] as const,
          [`${prefix}${path}.lora_B.weight`, b] as const,
        ]),
      ]);
      const files: ExportedPeft['files'] = [
        join(folder, 'adapter_config.json'),
        join(folder, 'adapter_model.safetensors'),
      ];
      writeState(files[1], tensors, ofTorch);
      writeFileAtomic(files[0], `${JSON.stringify(configOf(factored, saved), null, 2)}\n`);
      return { files, adapted: factored.map(({ path }) => path), saved };
    }),
  );
}

/** Those paths that lie within no other. */
const outermost = (paths: readonly string[]): string[] => {
  const all = [...new Set(paths)];
  return all.filter((path) => !all.some((other) => other !== path && path.startsWith(`${other}.`))).sort();
};

const isWithin = (path: string, modules: readonly string[]) =>
  modules.some((module) => path === module || path.startsWith(`${module}.`));

function configOf(updates: readonly (LowRankUpdate & { path: string })[], saved: readonly string[]): object {
  const ranks = Object.fromEntries(updates.map(({ path, a }) => [path, a.shape[0]]));
  const scales = Object.fromEntries(updates.map(({ path, a, scale }) => [path, scale * a.shape[0]]));
  const [{ a, scale }] = updates;
  const others = <Value>(values: Record<string, Value>, usual: Value) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== usual));
  const [rank] = a.shape;
  return {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: null,
    inference_mode: true,
    bias: 'none',
    lora_dropout: 0,
    // Divided by the rank, which makes it the factor of the product.
    ...{ r: rank, lora_alpha: scale * rank },
    ...{ rank_pattern: others(ranks, rank), alpha_pattern: others(scales, scale * rank) },
    target_modules: updates.map(({ path }) => path),
    modules_to_save: saved.length > 0 ? saved : null,
  };
}

/**
 * Writes the network's weights, with the adapter in use merged into them, under the names of its reference code. The model
 * is then another base.
 *
 * @throws GraftError ADAPTER_UNMERGEABLE, WRITE_FAILED
 */
export function exportWeights(model: Segmenter, file: string): void {
  if (model.inUse) model.merge();
  writeState(file, model.network.state(), ofTorch);
}
