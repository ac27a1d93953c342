/**
 * Adaptation to one target without labels: a small part of the network learns to make its early head agree with the
 * network's own prediction, normalised by the target's statistics (Aleem et al. 2024; `methods.ts` names the variants).
 */
import { type Pausing, random } from '../core/index.js';
import {
  augmentationSchema,
  byCase,
  type CaseSlices,
  SlicePool,
  scanFactsOfSlices,
  tagsBeside,
  widened,
} from '../data/index.js';
import {
  Adam,
  type Checkpoint,
  copyInto,
  copyState,
  countElements,
  disposeState,
  fingerprint,
  joinStates,
  partOf,
  pick,
  type State,
  startFrom,
  type TrainingEvent,
  trainingLoop,
} from '../nn/index.js';
import {
  applyPlan,
  recomputeStatistics,
  shareOfTarget,
  type WeightedBatch,
  withBatchStatistics,
} from '../peft/index.js';
import { type Adapter, domainOf, type Segmenter } from '../segmenter/index.js';
import type { Tensor } from '../torch/index.js';
import { calibrate } from './calibrate.js';
import { consistency, selfTraining } from './consistency.js';
import { headFor } from './head.js';
import { falling, lossOfChanged } from './labelled.js';
import { type Adaptation, resolveMethod, settled } from './methods.js';
import { Choice, knowsMirrorImages, type Look, Observer } from './select.js';

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

/** How a student's slices are changed, more than in training on the source, and what it learns from. */
const studying = {
  augmentation: augmentationSchema.parse({ contrast: 0.7, rotate: 20, scale: 0.2, translate: 0.1 }),
  diceWeight: 0.5,
};

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
 * @param target unlabelled cases, images float32 [n, 1, h, w]; they also select the epoch (`Choice` in select.ts)
 * @param given epochs and learning rate are the method's own where none are named, and the method is the family's
 * @param context seed; name of the target, for messages and the adapter's provenance; toleranceMm of the surface Dice that
 * measures agreement, in mm; checkpoint to go on from; start: an adapter of the same base, blocks and rank to go on from
 * @throws GraftError METHOD_UNSUITED, BLOCKS_…, HEAD_MISSING, TRAINING_DIVERGED, CHECKPOINT_OTHER_RUN, ADAPTER_OTHER_BASE, START_UNSUITED
 */
export async function* adapt(
  model: Segmenter,
  target: readonly CaseSlices[],
  given: Adaptation,
  { seed, name, toleranceMm, checkpoint, start: begun }: Context,
): AsyncGenerator<AdaptationEvent> {
  const { network, family } = model;
  const config = settled(family, given);
  const { method, statistics, options, level } = resolveMethod(family, config);
  const task = `${config.method} on ${name}`;
  model.use(undefined);
  const base = model.fingerprint;
  const head = headFor(model, level, config.method);
  const own = joinStates({ network: network.state(), head: head.state() });
  const before = copyState(own);
  let result: Adapted;
  let planned: ReturnType<typeof applyPlan> | undefined;
  try {
    using pool = new SlicePool(target, { device: model.device });
    const align = function* (): Pausing<void> {
      const batches = passesOver(pool, { ...config, passes: 1 }, seed);
      if (config.calibrate) yield* calibrate(network, head, imagesOf(batches));
    };
    // Candidates are compared by how far their heads agree, so the source model's head is calibrated like all others.
    yield* align();
    const mirrors = config.guard && knowsMirrorImages(model);
    const observer = yield* Observer.of({ model, head, target, toleranceMm, mirrors });
    const taught = () => target.map((one, i) => ({ ...one, labels: observer.sourceLabels(i) }));
    using labelled =
      method.objective === 'pseudo-labels' ? new SlicePool(taught(), { device: model.device }) : undefined;
    const tags = byCase(target).map(([{ case: one }]) => tagsBeside(one.image));
    const domain = yield* domainOf(model, tags, passesOver(pool, { ...config, passes: 1 }, seed));
    if (method.objective !== 'none') planned = applyPlan(network, method, family.adapter.parse(options), { seed });
    const trained: State = planned?.trained ?? new Map();
    const held = new Map([...trained, ...network.buffers()]); // what the adapter holds
    const share = shareOfTarget[statistics];
    const first = begun ? 'start' : share ? 'statistics' : 'source';
    // A student that looks at changed slices does not learn what the early head says; it is done after the last epoch.
    const choice = new Choice(held, first, { guard: config.guard, by: labelled ? 'duration' : 'agreement' });
    const optimiser = new Adam(trained, { lr: config.lr });
    const saved = joinStates({ held, head: head.state(), optimiser: optimiser.state(), ...choice.states });
    const resumed = checkpoint?.load(saved);
    if (resumed) choice.looks.push(...(resumed.memory as Look[]));
    else {
      choice.consider(yield* observer.look('source'));
      yield { kind: 'look', task, look: choice.looks[0] };
      const passes = () => passesOver(pool, config, seed);
      const readHead = (images: Tensor) => head.read(network.encode(images));
      const statisticsBefore = pick(partOf(before, 'network/'), (key) => network.buffers().has(key));
      if (begun) {
        startFrom(held, begun, base);
        // With other statistics the network's features are others, and so are the early head's.
        if (fingerprint(network.buffers()) !== fingerprint(statisticsBefore))
          yield* recomputeStatistics(head, readHead, passes());
        yield* align();
        choice.consider(yield* observer.look('start'));
        yield { kind: 'look', task, look: choice.looks[1] };
      }
      if (share) {
        // What is interpolated is the source's statistics, whatever the adapter brought.
        copyInto(network.buffers(), statisticsBefore);
        yield* recomputeStatistics(network, (images) => network.logits(network.encode(images)), passes(), share);
        yield* recomputeStatistics(head, readHead, passes());
        yield* align();
        choice.consider(yield* observer.look('statistics'));
        yield { kind: 'look', task, look: choice.looks.at(-1)! };
      }
    }

    const steps = pool.batches(config.batch);
    const events = trainingLoop({
      ...{ task, epochs: trained.size > 0 ? config.epochs : 0, steps, optimiser },
      ...{ checkpoint, saved, from: resumed?.at, memory: () => choice.looks },
      batches(epoch) {
        const batches = (labelled ?? pool).epoch(config.batch, random(seed, 'shuffle', task, epoch));
        return withBatchStatistics([network], batches, statistics === 'ema');
      },
      gradients({ take }, epoch, step) {
        const batch = take();
        let loss: Tensor;
        if (labelled) {
          optimiser.lr = falling(config.lr, epoch * steps + step, config.epochs * steps);
          loss = lossOfChanged(network, batch, studying, random(seed, 'augment', task, epoch, step));
        } else if (method.objective === 'self-training') loss = selfTraining(network, batch.images);
        else loss = consistency(network, head, batch.images, config).loss;
        loss.backward();
        return loss.item();
      },
      *look(epoch) {
        choice.consider(yield* observer.look(epoch + 1));
        return {};
      },
    });
    for await (const event of events) {
      yield event;
      if (event.kind === 'epoch') yield { kind: 'look', task, look: choice.looks.at(-1)! };
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
      domain,
      provenance: {
        ...{ target: name, seed: String(seed), kept: String(kept.candidate) },
        ...(begun && { startedFrom: fingerprint(begun.state) }),
        ...(guard && { guard }),
      },
    };
    result = { adapter, trained: countElements(trained.values()), kept, looks: choice.looks, ...(guard && { guard }) };
  } finally {
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
