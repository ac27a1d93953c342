/** The skeleton of training loops: it goes on where it stopped, refuses a loss that is not a number, and tells what it does. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { pause, random } from '../../src/core/index.js';
import {
  Adam,
  Checkpoint,
  fingerprint,
  initialiseModule,
  joinStates,
  Linear,
  type TrainingCourse,
  type TrainingEvent,
  trainingEpoch,
  trainingLoop,
} from '../../src/nn/index.js';
import { setThreads, tensor } from '../../src/torch/index.js';

setThreads(1);
const folder = mkdtempSync(join(tmpdir(), 'graft-loop-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const file = () => join(folder, `${files++}.ckpt`);

/** A line is learned from points; after each epoch a number is remembered. */
function made(path = file(), change: Partial<TrainingCourse<number[]>> = {}) {
  const network = new Linear(2, 1);
  initialiseModule(network, 1, 'line');
  for (const value of network.parameters().values()) value.requiresGrad = true;
  const optimiser = new Adam(network.parameters(), { lr: 0.05 });
  const saved = joinStates({ network: network.state(), optimiser: optimiser.state() });
  const checkpoint = new Checkpoint(path, { seed: 1 });
  const resumed = checkpoint.load(saved);
  const heights = (resumed?.memory as number[] | undefined) ?? [];
  const course: TrainingCourse<number[]> = {
    ...{ task: 'line', epochs: 3, steps: 4, optimiser, checkpoint, saved, from: resumed?.at, memory: () => heights },
    *batches(epoch) {
      const { uniform } = random(1, 'points', epoch);
      for (let step = 0; step < 4; step++) yield [uniform(-1, 1), uniform(-1, 1)];
    },
    gradients([x, y], epoch, step) {
      optimiser.lr = 0.05 / (1 + 4 * epoch + step);
      const error = network.forward(tensor([x, y])).sub(tensor([3 * x - y]));
      const loss = error.mul(error).sum();
      loss.backward();
      return loss.item();
    },
    *look() {
      yield pause;
      heights.push(network.bias!.item());
      return { height: heights.at(-1)! };
    },
    ...change,
  };
  return { network, path, heights, course, bits: () => fingerprint(saved) };
}

/** The events until the end, or until there are so many; then the loop is ended. */
async function take(events: AsyncIterable<TrainingEvent>, count = Number.POSITIVE_INFINITY): Promise<TrainingEvent[]> {
  const all: TrainingEvent[] = [];
  for await (const event of events) if (all.push(event) >= count) break;
  return all;
}
const shown = (events: TrainingEvent[]) =>
  events.map((event) => (event.kind === 'step' ? `${event.done}/${event.total}` : event.kind)).join(' ');

describe('a training loop', () => {
  it('tells every step, and every epoch with the mean loss and what was looked at', async () => {
    const { course, heights } = made();
    const events = await take(trainingLoop(course));
    expect(shown(events)).toBe(
      '1/12 2/12 3/12 4/12 pause epoch 5/12 6/12 7/12 8/12 pause epoch 9/12 10/12 11/12 12/12 pause epoch',
    );
    const told = events.filter((event) => event.kind !== 'pause');
    expect(told.map(({ epoch }) => epoch)).toEqual([0, 1, 2].flatMap((epoch) => Array(5).fill(epoch)));
    expect(new Set(told.map(({ task }) => task))).toEqual(new Set(['line']));
    const losses = told.flatMap((event) => (event.kind === 'step' ? [event.loss] : []));
    const epochs = told.flatMap((event) => (event.kind === 'epoch' ? [event.values] : []));
    expect(epochs).toEqual(
      [0, 1, 2].map((epoch) => ({
        loss: losses.slice(4 * epoch, 4 * epoch + 4).reduce((sum, loss) => sum + loss, 0) / 4,
        height: heights[epoch],
      })),
    );
  });

  it('ended anywhere, any number of times, gives the same bits and events as one that was not', async () => {
    const whole = made();
    const events = (await take(trainingLoop(whole.course))).filter(({ kind }) => kind !== 'pause');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 18 }), { minLength: 1, maxLength: 4 }), async (counts) => {
        const path = file();
        const seen: TrainingEvent[] = [];
        for (const count of counts) seen.push(...(await take(trainingLoop(made(path).course), count)));
        const last = made(path);
        seen.push(...(await take(trainingLoop(last.course))));
        expect(seen.filter(({ kind }) => kind !== 'pause')).toEqual(events);
        expect(last.bits()).toBe(whole.bits());
        expect(last.heights).toEqual(whole.heights);
        expect(readFileSync(path).equals(readFileSync(whole.path))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('has a shorter last epoch where the number of epochs is not whole', async () => {
    const { course } = made(file(), { epochs: 1.5 });
    const batches = (epoch: number) => [...course.batches(epoch)].slice(0, epoch === 0 ? 4 : 2);
    const events = await take(trainingLoop({ ...course, batches }));
    expect(shown(events)).toBe('1/6 2/6 3/6 4/6 pause epoch 5/6 6/6 pause epoch');
    const [, , , , , , { loss: a }, { loss: b }, , { values }] = events as (TrainingEvent & {
      loss: number;
      values: Record<string, number>;
    })[];
    expect(values.loss).toBe((a + b) / 2);
  });

  it('ends where there was enough, and does not go on when it is resumed', async () => {
    const once = made();
    const enough = () => once.heights.length === 2;
    expect(shown(await take(trainingLoop({ ...once.course, enough })))).toMatch(/8\/12 pause epoch$/);
    const again = made(once.path);
    expect(await take(trainingLoop({ ...again.course, enough: () => again.heights.length === 2 }))).toEqual([]);
    expect(again.bits()).toBe(once.bits());
  });

  it('lets others have their turn between steps', async () => {
    const { course } = made();
    let [steps, turns] = [0, 0];
    for await (const { kind } of trainingLoop(course)) {
      if (kind !== 'step') continue;
      expect(turns).toBe(steps++);
      setImmediate(() => turns++);
    }
  });
});

describe('a loss that is not a number', () => {
  /** The same training, whose loss is not finite at a step; everything before is as it was. */
  const broken = (path: string, at: [epoch: number, step: number], loss: number) => {
    const training = made(path);
    const { gradients } = training.course;
    training.course.gradients = (batch, epoch, step) => {
      const value = gradients(batch, epoch, step);
      return epoch === at[0] && step === at[1] ? loss : value;
    };
    return training;
  };
  const failure = (events: AsyncIterable<TrainingEvent>) => take(events).catch((error) => error);

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    '%d is an error that names the training and the epoch',
    async (loss) => {
      expect(await failure(trainingLoop(broken(file(), [1, 2], loss).course))).toMatchObject({
        code: 'TRAINING_DIVERGED',
        message: `line: the training loss became ${loss} in epoch 2.`,
      });
    },
  );

  it('leaves the weights before the step, without gradients, and the checkpoint of the epoch before', async () => {
    const good = made();
    const states: string[] = [];
    const saves: Buffer[] = [];
    for await (const { kind } of trainingLoop(good.course)) {
      if (kind === 'step') states.push(good.bits());
      if (kind === 'epoch') saves.push(readFileSync(good.path));
    }
    const bad = broken(file(), [1, 2], Number.NaN);
    await failure(trainingLoop(bad.course));
    expect(bad.bits()).toBe(states[5]);
    expect([...bad.network.parameters().values()].map(({ grad }) => grad)).toEqual([undefined, undefined]);
    expect(readFileSync(bad.path).equals(saves[0])).toBe(true);
    // Whoever takes the cause away goes on from there.
    const again = made(bad.path);
    await take(trainingLoop(again.course));
    expect(again.bits()).toBe(good.bits());
  });

  it('in the first epoch saves nothing, and later in one that was resumed nothing more', async () => {
    const first = broken(file(), [0, 3], Number.NaN);
    await failure(trainingLoop(first.course));
    expect(existsSync(first.path)).toBe(false);

    const { course, path } = made();
    await take(trainingLoop(course), 2);
    const before = readFileSync(path);
    await failure(trainingLoop(broken(path, [0, 3], Number.NaN).course));
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('ends an epoch without a checkpoint the same way', async () => {
    const bad = broken(file(), [0, 1], Number.NaN);
    const alone = made();
    await take(trainingEpoch(alone.course, 0), 1);
    expect(await failure(trainingEpoch(bad.course, 0))).toMatchObject({ code: 'TRAINING_DIVERGED' });
    expect(bad.bits()).toBe(alone.bits());
  });
});

it('a step that fails for another reason keeps the steps before it', async () => {
  const { course, path } = made();
  const { gradients } = course;
  const batches = (batch: number[], epoch: number, step: number) => {
    if (epoch === 1 && step === 2) throw new Error('out of memory');
    return gradients(batch, epoch, step);
  };
  await expect(take(trainingLoop({ ...course, gradients: batches }))).rejects.toThrow('out of memory');
  expect(shown(await take(trainingLoop(made(path).course)))).toMatch(/^7\/12 8\/12 pause epoch 9\/12/);
});
