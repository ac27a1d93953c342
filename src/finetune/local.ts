/**
 * Training at one site: an epoch at a time, with an optimiser and an iteration count that outlive the epochs. A federated
 * site and centralised training use the same class; several of them may train one network in turns, each with values of
 * its own loaded before its epoch.
 */
import { z } from 'zod';
import { random } from '../core/index.js';
import {
  asImages,
  augmentWindows,
  type CaseSlices,
  type WindowBatch,
  WindowPool,
  windowAugmentationSchema,
} from '../data/index.js';
import {
  Adam,
  disposeState,
  type State,
  type StepEvent,
  scalar,
  type TrainingSteps,
  trainingEpoch,
} from '../nn/index.js';
import { normalisations, type Planned, withBatchStatistics } from '../peft/index.js';
import type { Segmenter } from '../segmenter/index.js';
import { multipliesBfloat16, scope } from '../torch/index.js';
import { finetuneError } from './errors.js';
import { accumulateGradients } from './gradients.js';
import { lossFor } from './loss.js';
import { learningRate } from './schedule.js';

export const localTrainingSchema = z.strictObject({
  batch: z.int().min(1).default(24).describe('windows in a batch'),
  accumulate: z.int().min(1).default(1).describe('batches whose mean gradient makes one step, where memory is short'),
  overlap: z
    .boolean()
    .default(true)
    .describe('every slice is once an epoch the middle of a window; false: it lies in one window'),
  lr: z.number().positive().default(8e-4).describe('highest learning rate of AdamW'),
  weightDecay: z.number().min(0).default(0.1).describe('of AdamW'),
  warmup: z.int().min(0).default(250).describe('steps in which the learning rate rises'),
  decayEpochs: z
    .number()
    .positive()
    .nullable()
    .default(200)
    .describe('epochs after the warm-up until the learning rate is zero; null: as many as are trained'),
  power: z.number().min(0).default(7).describe('of the decay; 0 keeps the learning rate'),
  ceWeight: z.number().min(0).max(1).default(0.2).describe('share of the cross-entropy in the loss; the rest is Dice'),
  augmentation: windowAugmentationSchema
    .nullable()
    .prefault({})
    .describe('random changes of the windows; null trains on them as they are'),
  normalisation: z
    .enum(normalisations)
    .default('local')
    .describe(
      'batch normalisation, where the network has it: local trains with each batch’s statistics, and they stay with each site (FedBN); averaged sends them, too; frozen keeps those of the base',
    ),
  precision: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe('of matrix products and convolutions in training'),
  checkpointing: z
    .boolean()
    .default(false)
    .describe('compute the activations of the image encoder twice instead of keeping them'),
});
export type LocalTrainingConfig = z.output<typeof localTrainingSchema>;

/** What to say before a training whose precision is slow on the machine; undefined if there is nothing to say. */
export const precisionRemark = ({ precision }: LocalTrainingConfig, device: string): string | undefined =>
  precision === 'bfloat16' && device === 'cpu' && multipliesBfloat16() === false
    ? 'This processor does not multiply bfloat16 itself (no AVX512-BF16, AMX or Arm BF16): training takes several times as long as with precision float32.'
    : undefined;

export interface LocalParts {
  model: Segmenter;
  /** What is trained of the model. */
  planned: Planned;
  cases: readonly CaseSlices[];
  config: LocalTrainingConfig;
  /** How many are going to be asked for; the learning rate may fall over all of them. */
  epochs: number;
  seed: number;
  /** Of the site: names its random streams, and itself in events and errors. */
  name: string;
}

/** The batches of a step. */
type WindowBatches = { take(): WindowBatch }[];

export class LocalTraining implements Disposable {
  /** Training cases, and slices in them. */
  readonly cases: number;
  readonly slices: number;
  /** Steps of an epoch. */
  readonly steps: number;
  readonly #parts: LocalParts;
  readonly #pool: WindowPool;
  readonly #optimiser: Adam;
  /** Steps taken so far. */
  readonly #iteration = scalar(0).keep();

  /**
   * @param parts.cases their tensors may be freed afterwards
   * @throws GraftError TRAINING_EMPTY, CASE_UNLABELLED
   */
  constructor(parts: LocalParts) {
    const { model, planned, cases, config, name } = parts;
    if (cases.length === 0) throw finetuneError('TRAINING_EMPTY', { name });
    const unlabelled = cases.find(({ labels }) => !labels);
    if (unlabelled) throw finetuneError('CASE_UNLABELLED', { image: unlabelled.case.image });
    this.#parts = parts;
    const { overlap } = config;
    this.#pool = new WindowPool(cases, model.windows, { overlap, device: model.device });
    this.cases = cases.length;
    this.slices = this.#pool.slices;
    this.steps = Math.ceil(this.#pool.batches(config.batch) / config.accumulate);
    const { lr, weightDecay } = config;
    this.#optimiser = new Adam(planned.trained, { lr, weightDecay, decoupled: true });
  }

  /** The optimiser's moments and the count of steps: all that a site keeps from epoch to epoch beside the weights. */
  state(): State {
    return new Map([...this.#optimiser.state(), ['iteration', this.#iteration]]);
  }

  /**
   * What a loop takes.
   *
   * @param adjust changes gradients before a step, as FedProx does
   * @param epochs in place of those that were named at first, where more are asked for than was known then
   */
  training(adjust?: (trained: State) => void, epochs = this.#parts.epochs): TrainingSteps<WindowBatches> {
    const { model, planned, config, seed, name } = this.#parts;
    const { trained, attached } = planned;
    const horizon = (config.decayEpochs ?? epochs) * this.steps;
    return {
      task: name,
      steps: this.steps,
      batches: (epoch) => {
        const shuffled = this.#pool.epoch(config.batch, random(seed, 'shuffle', name, epoch));
        const batches = grouped([...shuffled], config.accumulate);
        return withBatchStatistics([model.network], batches, config.normalisation !== 'frozen');
      },
      gradients: (batches, epoch, index) => {
        const step = index + 1;
        attached?.setDropout(random(seed, 'dropout', name, epoch, step).seed());
        try {
          return batches
            .map(({ take }, i) => scope(() => this.#gradients(take(), batches.length, [epoch, step, i])))
            .reduce((a, b) => a + b);
        } finally {
          attached?.setDropout(undefined);
        }
      },
      optimiser: {
        step: () => {
          adjust?.(trained);
          this.#optimiser.lr = learningRate(this.#iteration.item(), { ...config, horizon });
          this.#optimiser.step();
          this.#iteration.add_(1);
        },
        zeroGrad: () => this.#optimiser.zeroGrad(),
      },
    };
  }

  /**
   * Trains for one epoch; an event after each step.
   * @param epoch names the random streams: the same number gives the same windows and changes
   * @param options as for `training`
   * @throws GraftError TRAINING_DIVERGED; the weights are those before the step
   */
  epoch(
    epoch: number,
    { adjust, epochs }: { adjust?: (trained: State) => void; epochs?: number } = {},
  ): AsyncGenerator<StepEvent, void> {
    return trainingEpoch(this.training(adjust, epochs), epoch);
  }

  /** Adds one batch's share of the gradients and returns its share of the loss. */
  #gradients(batch: WindowBatch, shares: number, key: number[]): number {
    const { planned, config, seed, name } = this.#parts;
    const { network } = this.#parts.model;
    const { images, labels } = config.augmentation
      ? augmentWindows(batch, config.augmentation, random(seed, 'augment', name, ...key))
      : batch;
    const [b, d, h, w] = labels.shape;
    const truth = labels.reshape(b * d, h, w);
    const lossOf: Parameters<typeof accumulateGradients>[3] = (features, run) => {
      const logits = run(() => network.logits(features));
      return lossFor(network, logits, truth, config.ceWeight).mul(1 / shares);
    };
    const seen = asImages(images, network.input.channels);
    const pass = { bfloat16: config.precision === 'bfloat16', checkpointing: config.checkpointing };
    return accumulateGradients(network, planned.trained.keys(), seen, lossOf, pass).item();
  }

  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
    disposeState(this.state());
  }
}

/** Groups of `size` items; the last may be smaller. */
const grouped = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
