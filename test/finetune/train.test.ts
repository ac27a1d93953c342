/** Fine-tuning in small: that it learns, what it leaves alone, and that it goes on where it stopped. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { type FineTuningEvent, finetune, LocalTraining, learningRate } from '../../src/finetune/index.js';
import { samAdapterSchema, samPlans } from '../../src/networks/sam/index.js';
import { Checkpoint, copyInto, copyState, countElements, fingerprint, type State } from '../../src/nn/index.js';
import { applyPlan } from '../../src/peft/index.js';
import { validate } from '../../src/segmenter/index.js';
import { memoryStatistics } from '../../src/torch/index.js';
import { cases, configure, run, small } from './small.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-finetune-'));
afterAll(() => rmSync(folder, { recursive: true }));
const training = cases('a', 'b', 'c');
const validation = cases('d', 'e');
const bits = (state: State) => fingerprint(state);

describe('fine-tuning', () => {
  it('learns to segment cases that it has not seen', async () => {
    const model = small({ promptDim: 128 });
    const before = runWithoutPauses(validate(model, validation)).dice;
    const { end } = await run(
      model,
      { training, validation },
      { plan: 'full', epochs: 10, lr: 3e-3, augmentation: null },
    );
    model.use(end.adapter);
    const after = runWithoutPauses(validate(model, validation));
    expect(after.dice).toBeCloseTo(end.dice[end.kept - 1], 5);
    expect(Object.keys(after.classes)).toEqual(['core', 'rim']);
    expect(after.dice).toBeGreaterThan(0.45);
    expect(before).toBeLessThan(0.2);
  });

  it.each<string>(['full', 'flap-sam', 'ma-sam'])('by the plan %s leaves the model bit-identical', async (plan) => {
    const model = small();
    const [print, names] = [bits(model.network.state()), [...model.network.state().keys()]];
    const { end } = await run(model, { training }, { plan, adapter: { rank: 2, slices: 3 }, epochs: 1 });
    expect(bits(model.network.state())).toBe(print);
    expect([...model.network.state().keys()]).toEqual(names);
    expect([...model.network.parameters().values()].some(({ requiresGrad }) => requiresGrad)).toBe(false);
    expect(countElements(end.adapter.state.values())).toBe(end.trained);
    model.use(end.adapter);
    expect(bits(model.network.state()), 'the adapter changes something').not.toBe(print);
    model.use(undefined);
    expect(bits(model.network.state())).toBe(print);
  });

  it('with the same seed gives the same bits, with another one others', async () => {
    const ends = [];
    for (const seed of [1, 1, 2]) ends.push(bits((await run(small(), { training }, {}, { seed })).end.adapter.state));
    expect(ends[1]).toBe(ends[0]);
    expect(ends[2]).not.toBe(ends[0]);
  });

  it('lets the learning rate fall over as many epochs as are trained where no other number is given', async () => {
    const ends = [];
    for (const decayEpochs of [null, 2, 3])
      ends.push(bits((await run(small(), { training }, { epochs: 2, power: 1, decayEpochs })).end.adapter.state));
    expect(ends[1]).toBe(ends[0]);
    expect(ends[2]).not.toBe(ends[0]);
  });

  it('tells its steps, epochs and validation', async () => {
    const { events, end } = await run(small(), { training, validation }, { accumulate: 2 });
    const steps = events.filter((event) => event.kind === 'step');
    // 21 windows in batches of 4, two batches a step.
    expect(steps.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(steps.map(({ total }) => total))).toEqual(new Set([6]));
    const epochs = events.filter((event) => event.kind === 'epoch');
    expect(epochs.map(({ values }) => values.dice)).toEqual(end.dice);
    expect(Object.keys(epochs[0].values)).toEqual(['loss', 'dice', 'dice core', 'dice rim', 'dice at site']);
  });

  it('stops early where asked', async () => {
    // A learning rate at which nothing changes: the first epoch stays the best.
    const { end } = await run(small(), { training, validation }, { lr: 1e-12, epochs: 9, patience: 2 });
    expect(end.dice).toHaveLength(3);
  });

  it.each<[string, number[], string]>([
    ['no cases', [], 'TRAINING_EMPTY'],
    ['a case without a label', [0], 'CASE_UNLABELLED'],
  ])('refuses %s and leaves the model as it was', async (_, which, code) => {
    const model = small();
    const print = bits(model.network.state());
    const data = which.map((i) => {
      const { labels: _, ...rest } = training[i];
      return rest;
    });
    await expect(run(model, { training: data })).rejects.toMatchObject({ code });
    expect(bits(model.network.state())).toBe(print);
  });

  it('that diverges ends with an error that says where, and leaves the model as it was', async () => {
    const model = small();
    const print = bits(model.network.state());
    await expect(run(model, { training }, { plan: 'full', lr: 1e12, weightDecay: 0, epochs: 4 })).rejects.toMatchObject(
      {
        code: 'TRAINING_DIVERGED',
        message: expect.stringContaining('site'),
      },
    );
    expect(bits(model.network.state())).toBe(print);
  });
});

describe('a checkpoint', () => {
  const moments: [kind: FineTuningEvent['kind'], count: number][] = [
    ['step', 1],
    ['step', 5],
    ['epoch', 1],
    ['step', 9],
    ['epoch', 2],
  ];
  const config = { adapter: { rank: 2, dropout: 0.2 } };
  let whole: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    whole = await run(small(), { training, validation }, config);
  });
  it.each(moments)('resumes after an end at %s %i to the same bits', async (kind, count) => {
    const checkpoint = new Checkpoint(join(folder, `${kind}${count}.ckpt`), { seed: 1 });
    let seen = 0;
    const data = { training, validation };
    for await (const event of finetune(small(), data, configure(config), { seed: 1, name: 'site', checkpoint }))
      if (event.kind === kind && ++seen === count) break;
    const resumed = await run(small(), { training, validation }, config, { checkpoint });
    expect(bits(resumed.end.adapter.state)).toBe(bits(whole.end.adapter.state));
    expect({ ...resumed.end, adapter: 0 }).toEqual({ ...whole.end, adapter: 0 });
    expect(resumed.events.filter((event) => event.kind === 'step').length).toBe(
      kind === 'step' ? 12 - count : 12 - 6 * count,
    );
  });
});

describe('training at a site', () => {
  it('keeps moments and count from epoch to epoch while others use the network in turns', async () => {
    const config = configure({ power: 7, warmup: 5 });
    /** Two sites train the same network; each loads its own values before its epoch. */
    const trainBoth = async (alone: boolean) => {
      const model = small();
      const planned = applyPlan(model.network, samPlans['flap-sam'], samAdapterSchema.parse({ rank: 2 }), { seed: 3 });
      const sites = (alone ? ['x'] : ['x', 'y']).map((name, i) => ({
        local: new LocalTraining({ model, planned, cases: [training[i]], config, epochs: 3, seed: 1, name }),
        values: copyState(planned.trained),
      }));
      for (let epoch = 0; epoch < 3; epoch++)
        for (const { local, values } of sites) {
          copyInto(planned.trained, values);
          for await (const _ of local.epoch(epoch));
          copyInto(values, planned.trained);
        }
      expect(sites[0].local.state().get('iteration')!.item()).toBe(3 * sites[0].local.steps);
      expect([sites[0].local.cases, sites[0].local.slices]).toEqual([1, 7]);
      return bits(sites[0].values);
    };
    expect(await trainBoth(false)).toBe(await trainBoth(true));
  });

  it('lets the caller change gradients, and leaves what has none as it is', async () => {
    const model = small();
    const planned = applyPlan(model.network, samPlans['flap-sam'], samAdapterSchema.parse({ rank: 2 }), { seed: 3 });
    using local = new LocalTraining({
      model,
      planned,
      cases: training,
      config: configure(),
      epochs: 1,
      seed: 1,
      name: 'x',
    });
    const before = copyState(planned.trained);
    const frozen = [...planned.trained].filter(([name]) => name.includes('lora_w_a'));
    for (const [, value] of frozen) value.requiresGrad = false;
    const adjust = (trained: State) => {
      for (const [name, value] of trained) if (name.includes('mask_tokens')) value.grad = undefined;
    };
    for await (const _ of local.epoch(0, { adjust }));
    const changed = [...planned.trained].filter(([name, value]) => {
      return bits(new Map([['', value]])) !== bits(new Map([['', before.get(name)!]]));
    });
    expect(changed.length).toBeGreaterThan(10);
    expect(changed.filter(([name]) => /lora_w_a|mask_tokens/.test(name))).toEqual([]);
  });

  it('gives its memory back: live tensors do not grow with steps', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const model = small();
    const planned = applyPlan(model.network, samPlans['lora-decoder'], samAdapterSchema.parse({ rank: 2 }), {
      seed: 3,
    });
    using local = new LocalTraining({
      model,
      planned,
      cases: training,
      config: configure({ batch: 1 }),
      epochs: 5,
      seed: 1,
      name: 'x',
    });
    const counts: number[] = [];
    for (let epoch = 0; epoch < 5; epoch++) {
      for await (const _ of local.epoch(epoch));
      runWithoutPauses(validate(model, validation));
      collect();
      counts.push(memoryStatistics().tensors);
    }
    expect(local.steps * 5).toBeGreaterThan(100);
    expect(counts.at(-1)).toBe(counts[1]);
  });
});

describe('the learning rate', () => {
  it('rises over the warm-up and falls by a power', () => {
    const at = (iteration: number) => learningRate(iteration, { lr: 8e-4, warmup: 250, horizon: 1000, power: 7 });
    expect(at(0)).toBeCloseTo(8e-4 / 250, 12);
    expect(at(124)).toBeCloseTo(4e-4, 12);
    expect([at(249), at(250)]).toEqual([8e-4, 8e-4]);
    expect(at(750)).toBeCloseTo(8e-4 * 0.5 ** 7, 12);
    expect([at(1250), at(5000)]).toEqual([0, 0]);
    expect(learningRate(0, { lr: 1, warmup: 0, horizon: 10, power: 0 })).toBe(1);
  });
});
