/** Adaptation in small: what it trains, what it leaves alone, and that it goes on where it stopped. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Adaptation, type Adapted, adapt } from '../../src/adapt/index.js';
import { Checkpoint, fingerprint, type State } from '../../src/nn/index.js';
import { memoryStatistics } from '../../src/torch/index.js';
import { configure, finish, outputs, small, trainedAdapter } from './small.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-adapt-'));
afterAll(() => rmSync(folder, { recursive: true }));

const context = { seed: 1, name: 'target', toleranceMm: 2 };
const run = async (config: Partial<Adaptation>) => {
  const { model, target } = small();
  return finish(adapt(model, target, configure(config), context));
};
const bits = ({ adapter }: Adapted) => fingerprint(adapter.state);
const part = (state: State, pattern: RegExp): State => new Map([...state].filter(([name]) => pattern.test(name)));

describe('what a method trains', () => {
  it.each<[string, number, number]>([
    ['source', 0, 0],
    ['adabn', 0, 0],
    ['self-training', 2_434_771, 2_434_771],
    ['udas', 14_160, 14_160],
    ['udas-convlora', 3_954, 3_954],
    ['convlora', 57_714, 57_714],
    ['convlora-adabn', 57_714, 57_714],
    ['noisy-student', 111_732, 111_732],
  ])('%s: %i parameters at 16 filters', async (method, expected) => {
    const { model, target } = small({ filters: 16 });
    const epochs = method === 'self-training' ? 1 : 0;
    const { end } = await finish(adapt(model, target.slice(0, 1), configure({ method, epochs }), context));
    expect(end.trained).toBe(expected);
    model.dispose();
  });

  it.each<[string, RegExp | null, RegExp | null]>([
    ['source', null, null],
    ['adabn', null, /running_(mean|var)$/],
    ['self-training', /./, null],
    ['udas', /^init_path\./, null],
    ['udas-convlora', /^init_path\..*(lora_[AB]|bn\.(weight|bias))$/, null],
    ['convlora', /^(init_path|down\d)\..*(lora_[AB]|bn\.(weight|bias))$/, null],
    ['convlora-adabn', /^(init_path|down\d)\..*(lora_[AB]|bn\.(weight|bias))$/, /running_(mean|var)$/],
    ['noisy-student', /^(init_path|down\d|up\d|out_path)\..*(lora_[AB]|bn\.(weight|bias))$/, null],
  ])('%s changes nothing else in the network', async (method, weights, statistics) => {
    const { model, target } = small();
    const adapter = await trainedAdapter(model, target, { method, epochs: 1 });
    const base = model.network.state();
    const changed = [...adapter.state].filter(([name, value]) => {
      const own = base.get(name);
      return !own || Buffer.compare(value.toBytes(), own.toBytes()) !== 0;
    });
    const names = changed.map(([name]) => name);
    const isStatistic = (name: string) => /running_(mean|var)$/.test(name);
    const [moved, trained] = [names.filter(isStatistic), names.filter((name) => !isStatistic(name))];
    expect(trained.filter((name) => !weights?.test(name))).toEqual([]);
    expect(trained.length > 0).toBe(weights !== null);
    expect(moved.length > 0).toBe(statistics !== null);
  });
});

describe('the statistics of batch normalisation', () => {
  const statistics = async (policy: Adaptation['statistics']) => {
    const { model, target } = small();
    const adapter = await trainedAdapter(model, target, { method: 'convlora', statistics: policy, epochs: 1 });
    const own = /running_(mean|var)$/;
    return [model.network.state(), adapter.state].map((state) => fingerprint(part(state, own)));
  };
  it('stay under frozen', async () => {
    const [base, adapter] = await statistics('frozen');
    expect(adapter).toBe(base);
  });
  it('move while training under ema, and at once under recompute', async () => {
    const [[base, ema], [, recompute]] = [await statistics('ema'), await statistics('recompute')];
    expect(new Set([base, ema, recompute]).size).toBe(3);
  });
  it('of the early head are recomputed too, while it is needed', async () => {
    const { model, target } = small();
    const heads = () => fingerprint(new Map([...model.heads.values()].flatMap((head) => [...head.buffers()])));
    const before = heads();
    const seen = new Map<unknown, string>();
    for await (const event of adapt(model, target, configure({ method: 'convlora-adabn', epochs: 1 }), context))
      if (event.kind === 'look') seen.set(event.look.candidate, heads());
    expect(seen.get('source')).toBe(before);
    expect(seen.get('statistics')).not.toBe(before);
    expect(seen.get(1)).toBe(seen.get('statistics'));
    expect(heads()).toBe(before);
  });
  it('cannot move under ema without a step', async () => {
    const { model, target } = small();
    const adapter = await trainedAdapter(model, target, { method: 'convlora', statistics: 'ema', epochs: 0 });
    expect(fingerprint(part(adapter.state, /running_/))).toBe(fingerprint(part(model.network.state(), /running_/)));
  });
});

describe('going on from an adapter', () => {
  const continued = async (first: Partial<Adaptation>, second: Partial<Adaptation>) => {
    const { model, target } = small();
    const { end } = await finish(adapt(model, target, configure({ epochs: 0, ...first }), context));
    const start = end.adapter;
    const again = await finish(adapt(model, target, configure({ epochs: 0, ...second }), { ...context, start }));
    return { first: end, second: again.end };
  };
  it('interpolates with the statistics of the source, not with those that the adapter brought', async () => {
    const { first, second } = await continued({ method: 'alpha-bn' }, { method: 'alpha-bn' });
    expect(bits(second)).toBe(bits(first));
  });
  it('compares the adapter by a head that reads its features, whatever the statistics of training', async () => {
    const { first, second } = await continued({ method: 'adabn' }, { method: 'adabn', statistics: 'frozen' });
    const [found, begun] = [first.looks.at(-1)!, second.looks[1]];
    expect([found.candidate, begun.candidate]).toEqual(['statistics', 'start']);
    expect(begun.agreement).toBeCloseTo(found.agreement, 4);
  });
});

describe('the model', () => {
  it.each<Partial<Adaptation>>([
    { method: 'convlora-adabn' },
    { method: 'udas', statistics: 'ema' },
    { method: 'self-training' },
    { method: 'noisy-student' },
  ])('is left bit-identical by %j', async (config) => {
    const { model, target } = small();
    const [before, output] = [fingerprint(model.state()), outputs(model, target[0])];
    const { end } = await finish(adapt(model, target, configure(config), context));
    expect(fingerprint(model.state())).toBe(before);
    expect(outputs(model, target[0])).toEqual(output);
    expect(end.adapter.base).toBe(model.fingerprint);
    expect([...model.network.parameters().values()].filter((value) => value.requiresGrad)).toEqual([]);
  });

  it.each(['look', 'step', 'epoch'])('is left bit-identical where the iteration is ended at a %s', async (kind) => {
    const { model, target } = small();
    const before = fingerprint(model.state());
    for await (const event of adapt(model, target, configure({ statistics: 'ema' }), context))
      if (event.kind === kind) break;
    expect(fingerprint(model.state())).toBe(before);
    expect([...model.network.state().keys()].filter((name) => name.includes('lora'))).toEqual([]);
    // … and can be adapted again, as if nothing had been.
    const { end } = await finish(adapt(model, target, configure(), context));
    expect(bits(end)).toBe(bits((await run({})).end));
  });

  it('is left bit-identical where training diverges', async () => {
    const { model, target } = small();
    const before = fingerprint(model.state());
    const config = configure({ method: 'convlora', lr: 1e30, epochs: 5 });
    const failure = await finish(adapt(model, target, config, context)).catch((error) => error);
    expect(failure).toMatchObject({ code: 'TRAINING_DIVERGED' });
    expect(fingerprint(model.state())).toBe(before);
  });

  it('gives its memory back', async () => {
    const { model, target } = small();
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const once = async () => {
      const { end } = await finish(adapt(model, target, configure({ epochs: 1 }), context));
      for (const value of end.adapter.state.values()) value.dispose();
      // What one collection leaves, a later one takes; finalisers come after each.
      for (let before: unknown; ; ) {
        collect();
        await setTimeout(50);
        const held = memoryStatistics();
        if (isDeepStrictEqual(held, before)) return held;
        before = held;
      }
    };
    await once();
    const second = await once();
    expect(await once()).toEqual(second);
  });
});

describe('the same seed', () => {
  it('gives the same bits, another one others', async () => {
    const once = async (seed: number) => {
      const { model, target } = small();
      return fingerprint((await trainedAdapter(model, target, { method: 'convlora' }, seed)).state);
    };
    const first = await once(1);
    expect(await once(1)).toBe(first);
    expect(await once(2)).not.toBe(first);
  });

  it('gives other losses with detached than with coupled pseudo-labels', async () => {
    const losses = async (detach: boolean) => {
      const { all } = await run({ method: 'udas', detach });
      return all.flatMap((event) => (event.kind === 'step' ? [event.loss] : []));
    };
    const [detached, coupled] = [await losses(true), await losses(false)];
    expect(coupled[0], 'the same network before the first step').toBe(detached[0]);
    expect(coupled.at(-1)).not.toBe(detached.at(-1));
  });
});

describe.each([
  ['ema', 'convlora'],
  ['recompute', 'convlora'],
  ['frozen', 'noisy-student'],
] as const)('a checkpoint under %s of %s', (statistics, method) => {
  const { model, target } = small();
  const config = configure({ statistics, method, lr: 0.05 });
  let whole: Awaited<ReturnType<typeof finish>>;
  beforeAll(async () => {
    whole = await finish(adapt(model, target, config, context));
    expect(whole.end.kept.candidate, 'the case shows training').not.toBe('source');
  });

  it.each(['look 1', 'step 1', 'step 2', 'step 3', 'epoch 1', 'look 2', 'step 4', 'epoch 2'])(
    'resumes after an end at %s to the same bits',
    async (moment) => {
      const [kind, number] = moment.split(' ');
      const checkpoint = new Checkpoint(join(folder, `${statistics} ${moment}.ckpt`), { seed: 1 });
      let count = 0;
      const stopped: unknown[] = [];
      for await (const event of adapt(model, target, config, { ...context, checkpoint })) {
        stopped.push(event);
        if (event.kind === kind && ++count === Number(number)) break;
      }
      const { all, end } = await finish(adapt(model, target, config, { ...context, checkpoint }));
      expect(bits(end)).toBe(bits(whole.end));
      expect({ kept: end.kept, looks: end.looks }).toEqual({ kept: whole.end.kept, looks: whole.end.looks });
      // No step is done twice, but where nothing had been saved yet.
      const steps = (events: unknown[]) => events.filter((event) => (event as { kind: string }).kind === 'step').length;
      expect(steps(stopped) + steps(all)).toBe(steps(whole.all));
    },
  );

  it('of another configuration is refused, and what changed is named', async () => {
    const path = join(folder, `${statistics} other.ckpt`);
    const made = new Checkpoint(path, { seed: 1, lr: 0.1, base: 'a' });
    for await (const event of adapt(model, target, config, { ...context, checkpoint: made }))
      if (event.kind === 'step') break;
    expect(existsSync(path)).toBe(true);
    const other = new Checkpoint(path, { seed: 2, lr: 0.1, base: 'b' });
    await expect(finish(adapt(model, target, config, { ...context, checkpoint: other }))).rejects.toMatchObject({
      code: 'CHECKPOINT_OTHER_RUN',
      message: expect.stringMatching(/changed: seed: 1 in the file, 2 now; base: "a" in the file, "b" now\.$/),
    });
  });
});

describe('early heads and blocks', () => {
  it('are those alone that self-training is told', async () => {
    const { model } = small();
    const { end } = await run({ method: 'self-training', blocks: ['init_path', 'up1'], epochs: 1 });
    const running = new Set(model.network.buffers().keys());
    const held = [...end.adapter.state.keys()].filter((name) => !running.has(name)).map((name) => name.split('.')[0]);
    expect(new Set(held)).toEqual(new Set(['init_path', 'up1']));
    const all = await run({ method: 'self-training', epochs: 1 });
    expect(all.end.trained).toBe([...model.network.parameters().values()].reduce((sum, { size }) => sum + size, 0));
  });

  it.each([
    ['source', { blocks: ['init_path'] }, 'blocks'],
    ['adabn', { blocks: ['up1'], kernels: [3] }, 'blocks and kernels'],
    ['alpha-bn', { rank: 4 }, 'rank'],
    ['udas', { rank: 4, alpha: 1 }, 'rank and alpha'],
    ['self-training', { kernels: [3] }, 'kernels'],
  ])('and factors are refused where %s has no use for them', async (method, options, named) => {
    const message = expect.stringContaining(`The method ${method} has no use for ${named}: `);
    await expect(run({ method, ...options })).rejects.toMatchObject({ code: 'METHOD_OPTIONS', message });
  });

  it('take the nearest head that the loss of all adapted blocks can reach', async () => {
    const { end } = await run({ method: 'convlora', blocks: ['init_path', 'down1'], epochs: 1 });
    const blocks = [...end.adapter.state.keys()].filter((name) => /lora/.test(name)).map((name) => name.split('.')[0]);
    expect(new Set(blocks)).toEqual(new Set(['init_path', 'down1']));
  });

  it('are asked for by name where the model has none', async () => {
    const { model, target } = small({ headLevels: [0] });
    await expect(finish(adapt(model, target, configure(), context))).rejects.toMatchObject({
      code: 'HEAD_MISSING',
      message: expect.stringMatching(
        /convlora-adabn needs an early head at down3 or deeper; the model has init_path\./,
      ),
    });
  });

  it('are refused where the loss would not reach a block', async () => {
    const { model, target } = small();
    const decoder = configure({ method: 'convlora', blocks: ['down3', 'up1'] });
    await expect(finish(adapt(model, target, decoder, context))).rejects.toMatchObject({
      code: 'BLOCKS_UNREACHED',
      message: expect.stringContaining('does not reach up1'),
    });
    await expect(finish(adapt(model, target, { ...decoder, detach: false }, context))).resolves.toBeDefined();
  });
});
