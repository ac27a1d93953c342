/** Fine-tuning on cases that lie in one place: the centralised regime, or one site alone. */
import { z } from 'zod';
import type { CaseSlices } from '../data/index.js';
import {
  type Checkpoint,
  copyInto,
  copyState,
  countElements,
  disposeState,
  fingerprint,
  joinStates,
  pick,
  startFrom,
  type TrainingEvent,
  trainingLoop,
} from '../nn/index.js';
import { applyPlan } from '../peft/index.js';
import { type Adapter, planNamed, profileOfCases, type Segmenter, validate } from '../segmenter/index.js';
import { LocalTraining, localTrainingSchema } from './local.js';

/**
 * Settings of `finetune`: `fineTuningSchema.parse({ plan: 'flap-sam', epochs: 10 })` fills in the defaults and refuses
 * unknown keys. docs/recipes.md lists them, docs/methods.md describes the plans.
 *
 * @throws ZodError from `parse`, naming the key
 */
export const fineTuningSchema = localTrainingSchema.extend({
  plan: z.string().default('').describe('what is trained, one of the family’s plans; default: its usual one'),
  adapter: z.record(z.string(), z.unknown()).default({}).describe('options of the plan’s adapter'),
  epochs: z.int().min(1).default(100).describe('passes over the training cases'),
  keep: z
    .enum(['best', 'last'])
    .default('best')
    .describe(
      'the epoch that is kept: the one with the best Dice on the validation cases where there are any, or the last',
    ),
  patience: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('epochs without a better Dice on the validation cases after which training stops; null: it never does'),
});
/** What `fineTuningSchema` reads. */
export type FineTuning = z.output<typeof fineTuningSchema>;

/** What a fine-tuning ends with. */
export interface Tuned {
  adapter: Adapter;
  /** Number of trained parameters. */
  trained: number;
  /** Epochs of training that the adapter has seen, from 1. */
  kept: number;
  /** Mean Dice on the validation cases after each epoch; empty without any. */
  dice: number[];
}

/** What `finetune` tells: steps and epochs of training, pauses, and at the end `tuned` with the adapter. */
export type FineTuningEvent = TrainingEvent | ({ kind: 'tuned'; task: string } & Tuned);

interface Cases {
  training: readonly CaseSlices[];
  validation?: readonly CaseSlices[];
}

interface Context {
  seed: number;
  /** Of the data: for messages, random streams and the adapter's provenance. */
  name: string;
  checkpoint?: Checkpoint;
  /** An adapter to go on from, of the same base, plan and options. */
  start?: Adapter | undefined;
}

/** What the loop remembers beside tensors. */
interface Memory {
  dice: number[];
  kept: number;
}

/**
 * Fine-tunes the model; the last event carries the adapter. The model itself is left as it was. Resumes from the
 * checkpoint where there is one, to the same bits.
 *
 * @param cases labelled: images float32 [n, 1, h, w], labels uint8 [n, h, w]; those of `validation` choose the epoch
 * @param context seed; name of the data, for messages, random streams and the adapter's provenance; checkpoint to go on from;
 * start: an adapter of the same base, plan and options to go on from
 * @throws GraftError TRAINING_EMPTY, CASE_UNLABELLED, TRAINING_DIVERGED, PLAN_EMPTY, PLAN_UNKNOWN, CHECKPOINT_OTHER_RUN
 */
export async function* finetune(
  model: Segmenter,
  { training, validation = [] }: Cases,
  config: FineTuning,
  { seed, name, checkpoint, start: begun }: Context,
): AsyncGenerator<FineTuningEvent> {
  model.use(undefined);
  const { family, network, fingerprint: base, preparation, classes } = model;
  const own = network.state();
  const options = family.adapter.parse(config.adapter) as Record<string, unknown>;
  const plan = planNamed(family, config.plan || family.defaultPlan);
  const planned = applyPlan(network, plan, options, { seed, normalisation: config.normalisation });
  const { held } = planned;
  const before = copyState(pick(held, (path) => own.has(path)));
  const best = copyState(held);
  let result: Tuned | undefined;
  try {
    if (begun) startFrom(held, begun, base);
    using local = new LocalTraining({ model, planned, cases: training, config, epochs: config.epochs, seed, name });
    const saved = joinStates({ trained: held, local: local.state(), best });
    const resumed = checkpoint?.load(saved);
    const memory = (resumed?.memory as Memory | undefined) ?? { dice: [], kept: 0 };
    const { dice } = memory;

    yield* trainingLoop({
      ...local.training(),
      ...{ epochs: config.epochs, checkpoint, saved, from: resumed?.at, memory: () => memory },
      enough: () => stale(dice, config.patience),
      *look(epoch) {
        const values: Record<string, number> = {};
        if (validation.length > 0) {
          const seen = yield* validate(model, validation);
          dice.push(seen.dice);
          Object.assign(values, { dice: seen.dice }, prefixed('dice ', seen.classes), prefixed('dice at ', seen.sites));
        }
        if (config.keep === 'last' || dice.length === 0 || dice.at(-1) === Math.max(...dice)) {
          copyInto(best, held);
          memory.kept = epoch + 1;
        }
        return values;
      },
    });

    copyInto(held, best);
    const profile = yield* profileOfCases(model, [...training, ...validation]);
    const adapter: Adapter = {
      ...{ name, family: family.name, method: plan.name, options, base, ...preparation, classes, profile },
      state: best,
      provenance: {
        ...{ data: name, seed: String(seed), epochs: String(memory.kept) },
        ...(begun && { startedFrom: fingerprint(begun.state) }),
      },
    };
    result = { adapter, trained: countElements(planned.trained.values()), kept: memory.kept, dice };
  } finally {
    if (!result) disposeState(best);
    planned.undo();
    network.loadState(before, { partial: true });
    disposeState(before);
  }
  yield { kind: 'tuned', task: name, ...result };
}

/** Whether the best was seen so long ago that training stops. */
const stale = (dice: readonly number[], patience: number | null): boolean =>
  patience !== null && dice.length > 0 && dice.length - 1 - dice.indexOf(Math.max(...dice)) >= patience;

const prefixed = (prefix: string, values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
