/**
 * Adaptation to one target without labels: a small part of the network learns to make its early head agree with the
 * network's own prediction, normalised by the target's statistics (Aleem et al. 2024; `methods.ts` names the variants).
 */
import { setImmediate } from 'node:timers/promises';
import { random } from '../core/index.js';
import { type CaseSlices, SlicePool } from '../data/index.js';
import { encoderBlocks, type UNet2D } from '../models/index.js';
import { Adam, copyState, type State } from '../nn/index.js';
import { type Attached, attachConvLora, recomputeStatistics, setBatchStatistics, trainableParameters } from '../peft/index.js';
import { binaryCrossEntropyWithLogits, noGrad, scope, type Tensor } from '../torch/index.js';
import type { Adapter } from './adapter.js';
import { type Checkpoint, joinStates } from './checkpoint.js';
import { consistency } from './consistency.js';
import { adaptError } from './errors.js';
import { type Adaptation, headLevel, resolveMethod } from './methods.js';
import { type Observation, observe, runNetwork, agreement } from './observe.js';
import { type Departure, departures, severity } from './reference.js';
import { headFor, type Segmenter } from './segmenter.js';
import { copyInto, mean, type TrainingEvent } from './train.js';

/** What was seen of a candidate on the target, means over its cases. */
export interface Look {
  /** `source`: the base; `statistics`: the base with the target's statistics; a number: after that epoch. */
  candidate: 'source' | 'statistics' | number;
  volumeMl: number;
  entropy: number;
  /** Surface Dice of the early against the final head. */
  agreement: number;
  /** Surface Dice of the prediction against the source model's. */
  agreementWithSource: number;
  departures: Departure[];
}

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
}

/**
 * Adapts the model to a target; the last event carries the adapter. The model itself is left as it was.
 *
 * @param target unlabelled cases; they also select the epoch, by the agreement of the two heads
 * @throws GraftError HEAD_MISSING, TRAINING_DIVERGED, CHECKPOINT_OTHER_RUN
 */
export async function* adapt(
  model: Segmenter,
  target: readonly CaseSlices[],
  config: Adaptation,
  { seed, name, toleranceMm, checkpoint }: Context,
): AsyncGenerator<AdaptationEvent> {
  const { network, classes } = model;
  const method = resolveMethod(config);
  const task = `${config.method} on ${name}`;
  model.use(undefined);
  const base = model.fingerprint;
  const head = headFor(model, headLevel(method.trains === 'nothing' ? encoderBlocks : method.blocks), config.method);
  const before = copyState(network.state());
  using pool = new SlicePool(target);

  const predictions = target.map(({ images }) => runNetwork(network, images, head));
  const looks: Look[] = [];
  const look = (candidate: Look['candidate']): Look => {
    const outputs = candidate === 'source' ? predictions : target.map(({ images }) => runNetwork(network, images, head));
    const seen = outputs.map((output, i) => ({
      ...observe(output, target[i], classes - 1, toleranceMm),
      agreementWithSource: agreement(output.probabilities, predictions[i].probabilities, target[i], classes - 1, toleranceMm),
    }));
    const average = (key: keyof (typeof seen)[0]) => mean(seen.map((one) => one[key]));
    const values = { volumeMl: average('volumeMl'), entropy: average('entropy') };
    const agreementWithSource = average('agreementWithSource');
    // There is no merit in agreeing with a source model that is itself out of its range.
    const compare = looks.length > 0 && looks[0].departures.length === 0 ? { ...values, agreementWithSource } : values;
    const result: Look = {
      candidate,
      ...values,
      agreement: average('agreement'),
      agreementWithSource,
      departures: model.reference ? departures(compare, model.reference) : [],
    };
    looks.push(result);
    return result;
  };
  yield { kind: 'look', task, look: look('source') };

  const attached = method.trains === 'convlora' ? attachConvLora(network, method.blocks, config, seed) : undefined;
  const trained = chooseTrained(network, method, attached);
  const held = new Map([...trained, ...network.buffers()]); // what the adapter holds
  const snapshots = [{ look: looks[0], state: copyState(held) }];
  if (method.statistics === 'recompute') {
    recomputeStatistics(network, (images) => network.forward(images), passesOver(pool, config, seed));
    yield { kind: 'look', task, look: look('statistics') };
    snapshots.push({ look: looks[1], state: copyState(held) });
  }

  if (trained.size > 0 && config.epochs > 0) {
    for (const value of trained.values()) value.requiresGrad = true;
    const optimiser = new Adam(trained, { lr: config.lr });
    const steps = pool.batches(config.batch);
    for (let epoch = 0; epoch < config.epochs; epoch++) {
      setBatchStatistics(network, method.statistics === 'ema');
      let step = 0;
      let sum = 0;
      for (const batch of pool.epoch(config.batch, random(seed, 'shuffle', task, epoch))) {
        const loss = scope(() => {
          const { images } = batch.take();
          const value = method.trains === 'network' ? selfTraining(network, images) : consistency(network, head, images, config).loss;
          optimiser.zeroGrad();
          value.backward();
          optimiser.step();
          return value.item();
        });
        if (!Number.isFinite(loss)) throw adaptError('TRAINING_DIVERGED', { task, loss, epoch: epoch + 1 });
        sum += loss;
        step++;
        yield { kind: 'step', task, epoch, done: epoch * steps + step, total: config.epochs * steps, loss };
        await setImmediate();
      }
      setBatchStatistics(network, false);
      const seen = look(epoch + 1);
      snapshots.push({ look: seen, state: copyState(held) });
      yield { kind: 'epoch', task, epoch, values: { loss: sum / steps } };
      yield { kind: 'look', task, look: seen };
    }
    for (const value of trained.values()) value.requiresGrad = false;
    optimiser.zeroGrad();
  }
  (globalThis as any).snapshots = snapshots; (globalThis as any).apply = (s: State) => copyInto(network.state(), s);
}

function chooseTrained(network: UNet2D, { trains, blocks }: ReturnType<typeof resolveMethod>, attached: Attached | undefined): State {
  if (attached) return trainableParameters(network, blocks, attached);
  if (trains === 'nothing') return new Map();
  return new Map([...network.parameters()].filter(([name]) => trains === 'network' || blocks.some((block) => name.startsWith(`${block}.`))));
}

function* passesOver(pool: SlicePool, { passes, batch }: Adaptation, seed: number): Generator<Tensor> {
  for (let pass = 0; pass < passes; pass++)
    for (const one of pool.epoch(batch, random(seed, 'statistics', pass))) {
      const { images } = one.take();
      yield images;
      images.dispose();
    }
}

/** The whole network learns its own thresholded prediction. */
function selfTraining(network: UNet2D, images: Tensor): Tensor {
  const logits = network.forward(images);
  return binaryCrossEntropyWithLogits(logits, logits.detach().gt(0).to('float32'));
}
