/**
 * A foundation without downloads: a small Segment Anything learns from generated scenes (`drawScene`) to outline what a
 * point or a box asks for and, without a prompt, of everything that is an object.
 *
 * The objective is segment-anything's (Kirillov et al. 2023, appendix A) but for one part: the loss of a mask and the mean
 * squared error of its predicted IoU; where a single point leaves open which of several things is meant, only the best
 * of the three ambiguous masks counts. A mask's loss is cross-entropy with Dice instead of focal loss with Dice: in the
 * few minutes that are spent here the focal loss spends the first of them on empty masks. Left out: rounds of
 * corrections with masks as prompts. The result has the stock head and is loaded wherever segment-anything's
 * checkpoints are.
 */
import { z } from 'zod';
import { random } from '../core/index.js';
import type { PromptedPrediction, SegmentationNetwork } from '../networks/index.js';
import { Adam, type Checkpoint, joinStates, type TrainingEvent, trainingLoop } from '../nn/index.js';
import { noGrad, operator, scope, type Tensor } from '../torch/index.js';
import { drawTask, type PretrainingTask } from './pretrain-tasks.js';
import { learningRate } from './schedule.js';

export const pretrainingSchema = z.strictObject({
  steps: z.int().min(1).default(2500).describe('training steps'),
  batch: z.int().min(1).default(16).describe('generated scenes in a step'),
  lr: z.number().positive().default(1e-3).describe('highest learning rate of AdamW; it falls linearly to zero'),
  weightDecay: z.number().min(0).default(0.05).describe('of AdamW'),
  warmup: z.int().min(0).default(100).describe('steps in which the learning rate rises'),
  epoch: z.int().min(1).default(250).describe('steps between looks at scenes that are not trained on'),
});
export type Pretraining = z.output<typeof pretrainingSchema>;

/** Scenes that every look is at. */
const LOOK = 64;

/**
 * Trains all of the model on generated scenes. The values of an epoch are the loss and, on other scenes, the mean IoU of
 * the masks for a point (the best of three), for a box and without a prompt. Resumes to the same bits.
 *
 * @param network that answers prompts, with one size of images, initialised
 * @throws GraftError TRAINING_DIVERGED, CHECKPOINT_OTHER_RUN
 */
export async function* pretrain(
  network: SegmentationNetwork,
  config: Pretraining,
  { seed, checkpoint, device = 'cpu' }: { seed: number; checkpoint?: Checkpoint; device?: string },
): AsyncGenerator<TrainingEvent> {
  const task = 'pretraining';
  const imageSize = network.input.side!;
  const parameters = network.parameters();
  for (const value of parameters.values()) value.requiresGrad = true;
  const optimiser = new Adam(parameters, { lr: config.lr, weightDecay: config.weightDecay, decoupled: true });
  const saved = joinStates({ sam: network.state(), optimiser: optimiser.state() });
  const schedule = { ...config, horizon: config.steps - config.warmup, power: 1 };
  const from = checkpoint?.load(saved)?.at;
  try {
    yield* trainingLoop({
      ...{ task, epochs: config.steps / config.epoch, steps: config.epoch, optimiser, checkpoint, saved, from },
      *batches(epoch) {
        const end = Math.min(config.steps, (epoch + 1) * config.epoch);
        for (let done = epoch * config.epoch; done < end; done++) yield done;
      },
      gradients(done) {
        optimiser.lr = learningRate(done, schedule);
        const scenes = random(seed, task, done);
        const several = scenes.chance(0.5);
        const loss = lossOf(network, drawTask(imageSize, config.batch, scenes, { several, device }));
        loss.backward();
        return loss.item();
      },
      // biome-ignore lint/correctness/useYield: too short for a pause
      *look() {
        return look(network, drawTask(imageSize, LOOK, random(seed, task, 'look'), { device }));
      },
    });
  } finally {
    for (const value of parameters.values()) value.requiresGrad = false;
  }
}

const crossEntropy = operator('aten::binary_cross_entropy_with_logits') as (
  ...values: [logits: Tensor, target: Tensor, weight: null, positive: null, reduction: number]
) => Tensor;
const least = operator('aten::amin') as (x: Tensor, dims: number[]) => Tensor;
const greatest = operator('aten::amax') as (x: Tensor, dims: number[]) => Tensor;

/** The three questions' losses, added up. */
function lossOf(network: SegmentationNetwork, { images, questions }: PretrainingTask): Tensor {
  const embeddings = network.encode(images);
  return Object.values(questions)
    .map(({ prompts, answer, ambiguous }) => {
      const { logits, iou } = chosen(network.prompted!(embeddings, prompts), ambiguous);
      const mask = maskLoss(logits, answer); // [B, masks]
      const error = iou.sub(overlap(logits, answer));
      return least(mask, [1]).mean().add(error.mul(error).mean());
    })
    .reduce((a, b) => a.add(b));
}

/** The first mask for clear questions, the other three for ambiguous ones. */
function chosen({ logits, iou }: PromptedPrediction, ambiguous: boolean): { logits: Tensor; iou: Tensor } {
  const [from, count] = ambiguous ? [1, 3] : [0, 1];
  return { logits: logits.narrow(1, from, count), iou: iou.narrow(1, from, count) };
}

/** Cross-entropy and soft Dice of each mask: [B, masks, s, s] -> [B, masks]. */
function maskLoss(logits: Tensor, answer: Tensor): Tensor {
  const target = answer.expand(...logits.shape);
  const p = logits.sigmoid();
  const entropy = crossEntropy(logits, target, null, null, 0).mean([2, 3]);
  const both = p.mul(target).sum([2, 3]).mul(2).add(1);
  const dice = both
    .div(p.add(target).sum([2, 3]).add(1))
    .neg()
    .add(1);
  return entropy.add(dice);
}

/** The IoU of each mask with the answer, without gradients: [B, masks]. */
function overlap(logits: Tensor, answer: Tensor): Tensor {
  return noGrad(() => {
    const mask = logits.gt(0).to('float32');
    const both = mask.mul(answer).sum([2, 3]);
    return both.div(
      mask
        .sum([2, 3])
        .add(answer.sum([2, 3]))
        .sub(both),
    );
  });
}

/** Mean IoU by question. */
function look(network: SegmentationNetwork, { images, questions }: PretrainingTask): Record<string, number> {
  return scope(() =>
    noGrad(() => {
      const embeddings = network.encode(images);
      const scores = Object.entries(questions).map(([name, { prompts, answer, ambiguous }]) => {
        const { logits } = chosen(network.prompted!(embeddings, prompts), ambiguous);
        return [`IoU ${name}`, greatest(overlap(logits, answer), [1]).mean().item()];
      });
      return Object.fromEntries(scores) as Record<string, number>;
    }),
  );
}
