/** Training on the labelled source: the network first, then its early heads on the frozen network. */
import { z } from 'zod';
import { type Pausing, pause, random } from '../core/index.js';
import {
  augmentationSchema,
  byCase,
  type CaseFacts,
  type CaseSlices,
  countedMap,
  foregroundMaps,
  ignored,
  maskFacts,
  profileOf,
  RestoredLabels,
  type SlicePool,
  scanFactsOfSlices,
  sourceOfTensor,
} from '../data/index.js';
import { dice, meanOf } from '../metrics/index.js';
import type { EarlyHead } from '../networks/index.js';
import {
  Adam,
  type Checkpoint,
  copyInto,
  copyState,
  joinStates,
  MeanWeights,
  type State,
  type TrainingEvent,
  trainingLoop,
} from '../nn/index.js';
import { recomputeStatistics, type WeightedBatch, withBatchStatistics } from '../peft/index.js';
import { deepestHead, labelledLoss, type Segmenter, Sureness } from '../segmenter/index.js';
import { noGrad } from '../torch/index.js';
import { falling, lossOfChanged } from './labelled.js';
import type { Observation } from './observation.js';
import { type Masks, masksOf, mirrorAgreement, outputsOf, Sight } from './observe.js';
import { referenceOf } from './reference.js';

/**
 * Settings of `trainNetwork` and `trainHeads`: `trainingSchema.parse({ epochs: 10 })` fills in the defaults and refuses
 * unknown keys.
 *
 * @throws ZodError from `parse`, naming the key
 */
export const trainingSchema = z.strictObject({
  epochs: z.int().min(1).default(20).describe('epochs of the network; the best on the validation cases is kept'),
  batch: z.int().min(1).default(16).describe('slices in a training step'),
  lr: z.number().positive().default(1e-3).describe('highest learning rate of Adam; it falls to zero along a cosine'),
  diceWeight: z.number().min(0).max(1).default(0.5).describe('share of the soft Dice loss; the rest is cross-entropy'),
  averaging: z
    .number()
    .min(0)
    .max(0.9999)
    .optional()
    .describe(
      'share of the running mean of the weights that a step leaves; the mean is kept then, not the weights; 0.99, say',
    ),
  headEpochs: z.int().min(1).default(5).describe('epochs of the early heads, on the frozen network'),
  headLr: z.number().positive().default(1e-3).describe('learning rate of Adam for the early heads'),
  augmentation: augmentationSchema
    .nullable()
    .prefault({})
    .describe('random changes of the slices; null trains on them as they are'),
});
/** What `trainingSchema` reads. */
export type Training = z.output<typeof trainingSchema>;

interface Context {
  seed: number;
  checkpoint?: Checkpoint;
}

/**
 * Trains the network; the epoch with the best mean Dice on the validation cases is kept. Resumes from the checkpoint
 * where there is one, to the same bits.
 *
 * @param training labelled slices: images float32 [B, 1, h, w], labels uint8 [B, h, w]
 * @param validation labelled cases that choose the epoch; without any the last one is kept
 * @throws GraftError TRAINING_DIVERGED, CHECKPOINT_OTHER_RUN
 */
export async function* trainNetwork(
  model: Segmenter,
  training: SlicePool,
  validation: readonly CaseSlices[],
  config: Training,
  { seed, checkpoint }: Context,
): AsyncGenerator<TrainingEvent> {
  const { network } = model;
  const task = 'network';
  const parameters = network.parameters();
  for (const value of parameters.values()) value.requiresGrad = true;
  const optimiser = new Adam(parameters, { lr: config.lr });
  const best = copyState(network.state());
  const mean = config.averaging === undefined ? undefined : new MeanWeights(parameters, config.averaging);
  const saved = joinStates({
    ...{ network: network.state(), optimiser: optimiser.state(), best },
    ...(mean && { mean: mean.state }),
  });
  const resumed = checkpoint?.load(saved);
  let bestDice = (resumed?.memory as number | undefined) ?? -1;
  const steps = training.batches(config.batch);
  /** The step under way. */
  let taken = 0;

  const events = trainingLoop({
    ...{ task, epochs: config.epochs, steps, checkpoint, saved, from: resumed?.at, memory: () => bestDice },
    optimiser: {
      zeroGrad: () => optimiser.zeroGrad(),
      step() {
        optimiser.step();
        mean?.add(taken);
      },
    },
    batches: (epoch) =>
      withBatchStatistics([network], training.epoch(config.batch, random(seed, 'shuffle', task, epoch))),
    gradients({ take }, epoch, step) {
      taken = epoch * steps + step;
      optimiser.lr = falling(config.lr, taken, config.epochs * steps);
      const loss = lossOfChanged(network, take(), config, random(seed, 'augment', epoch, step));
      loss.backward();
      return loss.item();
    },
    *look(epoch) {
      using _ = mean?.use();
      const batches = unchanged(training, config, seed, epoch);
      yield* recomputeStatistics(network, (images) => network.logits(network.encode(images)), batches);
      const scores: number[] = [];
      for (const one of validation)
        scores.push(meanDice(yield* masksOf(model, sourceOfTensor(one.images)), one.labels!));
      const score = meanOf(scores);
      // Without validation cases the mean is NaN, and the last epoch is kept.
      if (!(score <= bestDice)) {
        bestDice = score;
        copyInto(best, network.state());
      }
      return scores.length > 0 ? { dice: score } : {};
    },
  });
  try {
    yield* events;
  } finally {
    // Also where the training ends early: what was read of the model before, such as its fingerprint, holds no longer.
    for (const value of parameters.values()) value.requiresGrad = false;
    model.fill(() => copyInto(network.state(), best));
    mean?.dispose();
  }
}

/** Batches whose statistics stand for the source. */
const STATISTICS_BATCHES = 32;

/**
 * Slices as they are: the running averages of training lag behind the weights and were taken of augmented slices, which
 * biases a short training's predictions (Wu & Johnson 2021, "precise BN").
 */
function* unchanged(training: SlicePool, { batch }: Training, seed: number, epoch: number): Generator<WeightedBatch> {
  let count = 0;
  for (const one of training.epoch(batch, random(seed, 'statistics', epoch))) {
    if (count++ === STATISTICS_BATCHES) return;
    const { images, labels } = one.take();
    labels?.dispose();
    try {
      yield { images, weight: one.weight };
    } finally {
      images.dispose();
    }
  }
}

/**
 * Trains every early head on the frozen network, all in one pass over the data. Resumes as `trainNetwork` does.
 *
 * @param training labelled slices: images float32 [B, 1, h, w], labels uint8 [B, h, w]
 * @throws GraftError TRAINING_DIVERGED, CHECKPOINT_OTHER_RUN
 */
export async function* trainHeads(
  { network, heads, classes: names }: Segmenter,
  training: SlicePool,
  config: Training,
  { seed, checkpoint }: Context,
): AsyncGenerator<TrainingEvent> {
  const classes = names.length + 1;
  const task = 'early heads';
  const joined = (part: (head: EarlyHead) => State) =>
    joinStates(Object.fromEntries([...heads].map(([level, head]) => [`head${level}`, part(head)])));
  const parameters = joined((head) => head.parameters());
  for (const value of parameters.values()) value.requiresGrad = true;
  const optimiser = new Adam(parameters, { lr: config.headLr });
  const saved = joinStates({ heads: joined((head) => head.state()), optimiser: optimiser.state() });
  const resumed = checkpoint?.load(saved);
  const steps = training.batches(config.batch);
  const levels = Math.max(...heads.keys()) + 1;

  yield* trainingLoop({
    ...{ task, epochs: config.headEpochs, steps, optimiser, checkpoint, saved, from: resumed?.at },
    batches: (epoch) =>
      withBatchStatistics([...heads.values()], training.epoch(config.batch, random(seed, 'shuffle', task, epoch))),
    gradients({ take }) {
      const { images, labels } = take();
      const maps = foregroundMaps(labels!, classes);
      const counted = countedMap(labels!);
      const features = noGrad(() => network.encode(images, levels));
      const losses = [...heads.values()].map((head) => labelledLoss(network, head.read(features), maps, 0, counted));
      const total = losses.reduce((a, b) => a.add(b));
      total.backward();
      return total.item() / losses.length;
    },
  });
  for (const value of parameters.values()) value.requiresGrad = false;
}

/**
 * Looks at the trained model on source cases and notes in it the ranges that the guard compares with, and the profile that
 * predictions are compared with.
 *
 * @param cases labelled, prepared as the model prepares
 * @param toleranceMm of the surface Dice between the two heads, in mm
 */
export function* noteReference(model: Segmenter, cases: readonly CaseSlices[], toleranceMm: number): Pausing<void> {
  const head = deepestHead(model)!;
  const { background } = model.network;
  const seen: Observation[] = [];
  const facts: CaseFacts[] = [];
  for (const planes of byCase(cases)) {
    const geometries = planes.map(({ geometry }) => geometry);
    const restored = new RestoredLabels(geometries, { channels: model.maps, background });
    const sureness = new Sureness(model.network, model.maps);
    for (const [plane, { images, geometry, spacing }] of planes.entries()) {
      const sight = new Sight(model, geometry.shape);
      const [, h, w] = geometry.shape;
      for (const output of outputsOf(model, sourceOfTensor(images), head)) {
        sight.add(output);
        sureness.add(output.probabilities, h * w, output.early);
        restored.add(output.probabilities, output.start, plane);
        yield pause;
      }
      const how = { spacing, toleranceMm };
      const mirrored = yield* mirrorAgreement(model, sourceOfTensor(images), sight.masks, how);
      seen.push({ ...(yield* sight.observation(spacing, toleranceMm)), mirrored });
    }
    const scan = scanFactsOfSlices(planes[0]);
    const mask = maskFacts(restored.labels, geometries[0].volume, scan.spacing, model.classes.length);
    const { entropy, heads } = sureness;
    facts.push({ ...scan, ...mask, entropy, heads });
  }
  model.reference = referenceOf(seen, facts.length);
  model.profile = profileOf(facts);
}

/**
 * Mean Dice over the classes on the prepared slices, without the pixels that count for nothing.
 * @param labels uint8 [n, h, w]
 */
function meanDice({ classes }: Masks, labels: Uint8Array): number {
  const scores = classes.map((mask, c) =>
    dice(
      labels.map((label) => (label === c + 1 ? 1 : 0)),
      mask.map((inside, i) => (labels[i] === ignored ? 0 : inside)),
    ),
  );
  return meanOf(scores);
}
