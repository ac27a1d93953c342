/** Training on the source: the mean of the weights, contrasts that no scanner gives, and going on after an end. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trainingSchema, trainNetwork } from '../../src/adapt/index.js';
import { type CaseSlices, SlicePool } from '../../src/data/index.js';
import { Checkpoint, copyState, fingerprint, MeanWeights, type State } from '../../src/nn/index.js';
import { tensor } from '../../src/torch/index.js';
import { newFolder } from '../new-folder.js';
import { slices, small } from './small.js';

const values = (state: State) => [...state].map(([name, value]) => [name, [...value.toArray()]]);

describe('the mean of weights', () => {
  it('follows them, and stands in their place for a while', () => {
    const weights: State = new Map([['w', tensor([1, 2])]]);
    const mean = new MeanWeights(weights, 0.5);
    const expected = [1, 2];
    for (let step = 0; step < 20; step++) {
      weights.get('w')!.copy_(tensor([step, -step]));
      mean.add(step);
      const decay = Math.min(0.5, (1 + step) / (10 + step));
      for (const i of [0, 1]) expected[i] = decay * expected[i] + (1 - decay) * (i === 0 ? step : -step);
    }
    {
      using _ = mean.use();
      for (const i of [0, 1]) expect(weights.get('w')!.toArray()[i]).toBeCloseTo(expected[i], 4);
    }
    expect([...weights.get('w')!.toArray()]).toEqual([19, -19]);
  });
});

describe('training on the source', () => {
  const labelled = (name: string): CaseSlices => {
    const one = slices(name);
    return { ...one, labels: Uint8Array.from(one.images.toArray(), (value) => ((value as number) > 0.45 ? 1 : 0)) };
  };
  const cases = [labelled('a'), labelled('b'), labelled('c')];
  const config = trainingSchema.parse({
    ...{ epochs: 2, batch: 4, lr: 0.01, averaging: 0.9 },
    augmentation: { randomise: 'strong' },
  });

  /** Trains until so many events have come; gives the network's values. */
  async function train(folder: string, { events = Number.POSITIVE_INFINITY, settings = config } = {}) {
    const { model } = small();
    using pool = new SlicePool(cases.slice(0, 2));
    const checkpoint = new Checkpoint(join(folder, 'network.ckpt'), { settings });
    let count = 0;
    for await (const _ of trainNetwork(model, pool, cases.slice(2), settings, { seed: 1, checkpoint }))
      if (++count >= events) break;
    return values(copyState(model.network.state()));
  }

  it('gives the model another fingerprint, also where it ends early', async () => {
    for (const events of [2, Number.POSITIVE_INFINITY]) {
      const { model } = small();
      const before = model.fingerprint;
      using pool = new SlicePool(cases.slice(0, 2));
      let count = 0;
      for await (const _ of trainNetwork(model, pool, [], { ...config, epochs: 1 }, { seed: 1 }))
        if (++count >= events) break;
      expect(model.fingerprint).toBe(fingerprint(model.network.state()));
      expect(model.fingerprint === before).toBe(events === 2);
    }
  });

  it('goes on to the same bits, with the mean of the weights', async () => {
    const whole = await train(newFolder());
    for (const events of [1, 4, 6]) {
      const place = newFolder();
      await train(place, { events });
      expect(await train(place)).toEqual(whole);
    }
    const { averaging: _, ...without } = config;
    expect(await train(newFolder(), { settings: without })).not.toEqual(whole);
  });
});
