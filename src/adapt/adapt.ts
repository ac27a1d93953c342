/**
 * Adaptation to one target without labels: a small part of the network learns to make its early head agree with the
 * network's own prediction, normalised by the target's statistics (Aleem et al. 2024; `methods.ts` names the variants).
 */
import { setImmediate } from 'node:timers/promises';
import { type Pausing, random } from '../core/index.js';
import { type CaseSlices, SlicePool, scanFactsOfSlices, widened } from '../data/index.js';
import type { SegmentationNetwork } from '../networks/index.js';
import {
  Adam,
  type Checkpoint,
  copyInto,
  copyState,
  countElements,
  disposeState,
  fingerprint,
  joinStates,
  type State,
  start,
  startFrom,
  type TrainingEvent,
  trainingError,
} from '../nn/index.js';
import { applyPlan, recomputeStatistics, setBatchStatistics, type WeightedBatch } from '../peft/index.js';
import type { Adapter, Segmenter } from '../segmenter/index.js';
import { binaryCrossEntropyWithLogits, scope, type Tensor } from '../torch/index.js';
import { calibrate } from './calibrate.js';
import { consistency } from './consistency.js';
import { headFor } from './head.js';
import { type Adaptation, resolveMethod } from './methods.js';
import { Choice, type Look, Observer } from './select.js';

/** What an adaptation ends with. */
export interface Adapted {
  adapter: Adapter;
  /** Number of trained parameters. */
  trained: number;
  /** The candidate that the adapter holds. */
  kept: Look;
  /** Why the guard kept a safer candidate than the selection's. */
  guard?: string;
  looks: Look[];
}

/**
 * What `adapt` tells: steps and epochs of training, a `look` at the target before training and after each epoch, pauses, and
 * at the end `adapted` with the adapter.
 */
export type AdaptationEvent =
  | TrainingEvent
  | { kind: 'look'; task: string; look: Look }
  | ({ kind: 'adapted'; task: string } & Adapted);

interface Context {
  seed: number;
  /** Of the target: for messages and the adapter's provenance. */
  name: string;
  /** Of the surface Dice that measures agreement. */
  toleranceMm: number;
  checkpoint?: Checkpoint;
  /** An adapter to go on from, of the same base, blocks and rank. */
  start?: Adapter | undefined;
}

/**
 * Adapts the model to a target; the last event carries the adapter. The model itself is left as it was.
 *
 * @param target unlabelled cases, images float32 [n, 1, h, w]; they also select the epoch, by the agreement of the two heads
 * @param context seed; name of the target, for messages and the adapter's provenance; toleranceMm of the surface Dice that
 * measures agreement, in mm; checkpoint to go on from; start: an adapter of the same base, blocks and rank to go on from
 * @throws GraftError METHOD_UNSUITED, BLOCKS_…, HEAD_MISSING, TRAINING_DIVERGED, CHECKPOINT_OTHER_RUN, ADAPTER_OTHER_BASE, START_UNSUITED
 */
export async function* adapt(
  model: Segmenter,
  target: readonly CaseSlices[],
  config: Adaptation,
  { seed, name, toleranceMm, checkpoint, start: begun }: Context,
): AsyncGenerator<AdaptationEvent> {
  const { network, family } = model;
  const { method, statistics, options, level } = resolveMethod(family, config);
  const task = `${config.method} on ${name}`;
  model.use(undefined);
  const base = model.fingerprint;
  const head = headFor(model, level, config.method);
  const observer = yield* Observer.of({ model, head, target, toleranceMm });
  const own = joinStates({ network: network.state(), head: head.state() });
  const before = copyState(own);
  using pool = new SlicePool(target, { device: model.device });
  let result: Adapted;
  let at = start;
  let save = () => {};
  const planned =
    method.objective === 'none' ? undefined : applyPlan(network, method, family.adapter.parse(options), { seed });
  try {
    const trained: State = planned?.trained ?? new Map();
    const held = new Map([...trained, ...network.buffers()]); // what the adapter holds
    const first = begun ? 'start' : statistics === 'recompute' ? 'statistics' : 'source';
    const choice = new Choice(held, first, config.guard);
    const optimiser = new Adam(trained, { lr: config.lr });
    const saved = joinStates({ held, head: head.state(), optimiser: optimiser.state(), ...choice.states });
    const resumed = checkpoint?.load(saved);
    save = () => checkpoint?.save(saved, at, choice.looks);
    if (resumed) {
      at = resumed.at;
      choice.looks.push(...(resumed.memory as Look[]));
    } else {
      const align = function* (): Pausing<void> {
        const batches = passesOver(pool, { ...config, passes: 1 }, seed);
        if (config.calibrate) yield* calibrate(network, head, imagesOf(batches));
      };
      yield* align();
      choice.consider(yield* observer.look('source'));
      yield { kind: 'look', task, look: choice.looks[0] };
      if (begun) {
        startFrom(held, begun, base);
        yield* align();
        choice.consider(yield* observer.look('start'));
        yield { kind: 'look', task, look: choice.looks[1] };
      }
      if (statistics === 'recompute') {
        const passes = () => passesOver(pool, config, seed);
        yield* recomputeStatistics(network, (images) => network.logits(network.encode(images)), passes());
        yield* recomputeStatistics(head, (images) => head.read(network.encode(images)), passes());
        yield* align();
        choice.consider(yield* observer.look('statistics'));
        yield { kind: 'look', task, look: choice.looks.at(-1)! };
      }
    }

    const epochs = trained.size > 0 ? config.epochs : 0;
    const steps = pool.batches(config.batch);
    while (at.epoch < epochs) {
      const { epoch } = at;
      setBatchStatistics(network, statistics === 'ema');
      let index = 0;
      for (const batch of pool.epoch(config.batch, random(seed, 'shuffle', task, epoch))) {
        const step = index++;
        if (step < at.step) continue;
        const loss = scope(() => {
          const { images } = batch.take();
          const value =
            method.objective === 'self-training'
              ? selfTraining(network, images)
              : consistency(network, head, images, config).loss;
          optimiser.zeroGrad();
          value.backward();
          optimiser.step();
          return value.item();
        });
        if (!Number.isFinite(loss)) {
          at = start; // nothing of this is worth saving
          throw trainingError('TRAINING_DIVERGED', { task, loss, epoch: epoch + 1 });
        }
        at = { epoch, step: step + 1, sum: at.sum + loss };
        yield { kind: 'step', task, epoch, done: epoch * steps + at.step, total: epochs * steps, loss };
        await setImmediate();
      }
      setBatchStatistics(network, false);
      const look = yield* observer.look(epoch + 1);
      choice.consider(look);
      const values = { loss: at.sum / steps };
      at = { epoch: epoch + 1, step: 0, sum: 0 };
      save();
      yield { kind: 'epoch', task, epoch, values };
      yield { kind: 'look', task, look };
    }

    const { kept, state, guard } = choice.settle();
    const adapter: Adapter = {
      name,
      family: family.name,
      method: config.method,
      options,
      base,
      ...model.preparation,
      classes: model.classes,
      state,
      profile: model.profile && widened(model.profile, target.map(scanFactsOfSlices)),
      provenance: {
        ...{ target: name, seed: String(seed), kept: String(kept.candidate) },
        ...(begun && { startedFrom: fingerprint(begun.state) }),
        ...(guard && { guard }),
      },
    };
    result = { adapter, trained: countElements(trained.values()), kept, looks: choice.looks, ...(guard && { guard }) };
  } finally {
    if (at.step > 0) save();
    setBatchStatistics(network, false);
    planned?.undo();
    copyInto(own, before);
    disposeState(before);
  }
  yield { kind: 'adapted', task, ...result };
}

function* passesOver(pool: SlicePool, { passes, batch }: Adaptation, seed: number): Generator<WeightedBatch> {
  for (let pass = 0; pass < passes; pass++)
    for (const { take, weight } of pool.epoch(batch, random(seed, 'statistics', pass))) {
      using images = take().images;
      yield { images, weight };
    }
}

function* imagesOf(batches: Iterable<WeightedBatch>): Generator<Tensor> {
  for (const { images } of batches) yield images;
}

/** The whole network learns its own thresholded prediction. */
function selfTraining(network: SegmentationNetwork, images: Tensor): Tensor {
  const logits = network.logits(network.encode(images));
  return binaryCrossEntropyWithLogits(logits, logits.detach().gt(0).to('float32'));
}
