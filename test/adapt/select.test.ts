/** The choice among candidates and the guard, on looks made by hand. */

import { describe, expect, it } from 'vitest';
import { adapt, departures, type Look, type Observation, referenceOf, Sight, severity } from '../../src/adapt/index.js';
import { agreement, Masks, masksOf, mirrorAgreement } from '../../src/adapt/observe.js';
import { Choice, Observer } from '../../src/adapt/select.js';
import { runWithoutPauses } from '../../src/core/index.js';
import { sourceOfTensor } from '../../src/data/index.js';
import type { SourceReference } from '../../src/segmenter/index.js';
import { noGrad, type Tensor, tensor } from '../../src/torch/index.js';
import { configure, finish, small } from './small.js';

const reference: SourceReference = {
  volumeMl: { low: 1000, high: 1400 },
  entropy: { low: 0.1, high: 0.2 },
  agreement: { low: 0.6, high: 0.9 },
  cases: 4,
};

const seen = { volumeMl: 1200, entropy: 0.15, agreementWithSource: 0.9 };

describe('departures', () => {
  it('finds none in the range of the source, widened by the slack', () => {
    expect(departures(seen, reference)).toEqual([]);
    expect(departures({ volumeMl: 1001, entropy: 0.3, agreementWithSource: 0.3 }, reference)).toEqual([]);
    expect(departures({ volumeMl: 1399, entropy: 0, agreementWithSource: 1 }, reference)).toEqual([]);
  });

  it.each([
    [{ volumeMl: 990 }, 'volume'],
    [{ volumeMl: 1410 }, 'volume'],
    [{ entropy: 0.31 }, 'entropy'],
    [{ agreementWithSource: 0.29 }, 'agreement with the source model'],
    [{ volumeMl: Number.NaN }, 'volume'],
    [{ entropy: Number.NaN }, 'entropy'],
    [{ agreementWithSource: Number.NaN }, 'agreement with the source model'],
  ])('names what leaves it: %j', (change, measure) => {
    expect(departures({ ...seen, ...change }, reference).map((one) => one.measure)).toEqual([measure]);
  });

  it('does not ask for agreement where none is given, as with an unsound source model', () => {
    expect(departures({ volumeMl: 1200, entropy: 0.15 }, reference)).toEqual([]);
  });

  it('are as severe as the worst factor', () => {
    const found = departures({ volumeMl: 600, entropy: 0.6, agreementWithSource: 1 }, reference);
    expect(severity(found)).toBeCloseTo(2);
    expect(severity(departures({ ...seen, entropy: 3 }, reference))).toBeCloseTo(10);
    expect(severity([])).toBe(1);
    expect(severity(departures({ ...seen, volumeMl: 0 }, reference))).toBeGreaterThan(1e6);
    expect(severity(departures({ ...seen, volumeMl: Number.NaN }, reference))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('referenceOf', () => {
  it('spans the cases; volumes by their mean and deviation, at least a tenth of it', () => {
    const one = (volumeMl: number, entropy: number, agreement: number): Observation => ({
      volumeMl,
      entropy,
      agreement,
    });
    expect(referenceOf([one(3, 0.2, 0.5), one(1, 0.4, 0.9), one(2, 0.3, 0.7)])).toEqual({
      volumeMl: { low: 2 - Math.sqrt(2 / 3), high: 2 + Math.sqrt(2 / 3) },
      entropy: { low: 0.2, high: 0.4 },
      agreement: { low: 0.5, high: 0.9 },
      cases: 3,
    });
    const alike = referenceOf([one(100, 0.2, 0.5), one(100, 0.2, 0.5)]).volumeMl;
    expect([alike.low, alike.high]).toEqual([90, 110].map((ml) => expect.closeTo(ml)));
  });
});

describe('an observation', () => {
  const observe = (probabilities: Float32Array) => {
    const sight = new Sight(small().model, [1, 2, 4]);
    sight.add({ start: 0, probabilities, early: probabilities });
    return runWithoutPauses(sight.observation([10, 5, 2], 1));
  };

  it('measures volume in ml, entropy in bits a segmented voxel, and agreement', () => {
    const probabilities = Float32Array.of(1, 1, 0.75, 0.5, 0, 0, 0, 0);
    const { volumeMl, entropy, agreement } = observe(probabilities);
    expect(volumeMl).toBeCloseTo(0.3); // three voxels of 100 mm³
    expect(entropy).toBeCloseTo((0.8113 + 1) / 3, 4);
    expect(agreement).toBe(1);
  });

  it('of an empty mask is a number that JSON can hold', () => {
    const probabilities = new Float32Array(8).fill(0.5);
    const { volumeMl, entropy } = observe(probabilities);
    expect({ volumeMl, entropy }).toEqual({ volumeMl: 0, entropy: 8 });
  });
});

/** A choice among candidates whose tensors hold the candidate's place in the list. */
function choose(
  looks: Look[],
  begin: 'source' | 'statistics' = 'source',
  guard = true,
  by: 'agreement' | 'duration' = 'agreement',
) {
  const value = tensor([-1]);
  const choice = new Choice(new Map([['value', value]]), begin, { guard, by });
  for (const [i, look] of looks.entries()) {
    noGrad(() => value.fill_(i));
    choice.consider(look);
  }
  const { kept, state, guard: reason } = choice.settle();
  return { kept: kept.candidate, held: looks[state.get('value')!.item()]?.candidate, reason };
}

const look = (candidate: Look['candidate'], agreement: number, change: Partial<typeof seen> = {}): Look => {
  const values = { ...seen, ...change };
  return { candidate, agreement, ...values, departures: departures(values, reference) };
};

describe('masks', () => {
  const [a, b] = [0.9, 0.6];
  it('are those that a prediction gives where classes overlap: the largest above one half', () => {
    const masks = new Masks([1, 1, 4], 2);
    masks.add(Float32Array.from([a, b, 0.4, b, b, a, 0.5, b]), 0, 'half');
    expect(masks.classes.map((mask) => [...mask])).toEqual([
      [1, 0, 0, 1],
      [0, 1, 0, 0],
    ]);
  });
  it('agree with themselves, whatever they lack, where models are compared; heads that find nothing do not', () => {
    const masks = new Masks([1, 2, 2], 3);
    masks.classes[1].fill(1);
    const measure = { spacing: [1, 1, 1], toleranceMm: 1 } as const;
    expect(runWithoutPauses(agreement(masks, masks, { ...measure, ofNothing: 1 }))).toBe(1);
    expect(runWithoutPauses(agreement(masks, masks, { ...measure, ofNothing: 0 }))).toBeCloseTo(1 / 3, 12);
  });
});

describe('the choice', () => {
  it('takes the candidate whose heads agree best, the earliest of equals, with its values', () => {
    expect(choose([look('source', 0.5), look(1, 0.7), look(2, 0.9), look(3, 0.8)])).toEqual({ kept: 2, held: 2 });
    expect(choose([look('source', 0.9), look(1, 0.9), look(2, 0.9)])).toEqual({ kept: 'source', held: 'source' });
  });

  it('takes the last sound one of a student, which the heads say nothing about', () => {
    const looks = [look('source', 0.9), look(1, 0.7), look(2, 0.2), look(3, 0.8, { volumeMl: 3000 })];
    expect(choose(looks, 'source', true, 'duration')).toMatchObject({ kept: 2, held: 2 });
    expect(choose(looks, 'source', false, 'duration')).toMatchObject({ kept: 3, held: 3, reason: undefined });
  });

  it('passes over candidates that left the range, and says why', () => {
    const { kept, held, reason } = choose([look('source', 0.5), look(1, 0.7), look(2, 0.9, { volumeMl: 3000 })]);
    expect({ kept, held }).toEqual({ kept: 1, held: 1 });
    expect(reason).toBe(
      'epoch 2 left the range of the source domain (volume 3.00e+3 outside 1.00e+3–1.40e+3); kept epoch 1',
    );
  });

  it('keeps the least departed where all left it, the source model included', () => {
    const all = (source: number) => [
      look('source', 0.5, { volumeMl: source }),
      look(1, 0.7, { volumeMl: 2500 }),
      look(2, 0.9, { volumeMl: 4000 }),
    ];
    expect(choose(all(3000))).toMatchObject({ kept: 1, held: 1, reason: expect.stringContaining('kept epoch 1') });
    expect(choose(all(2000))).toMatchObject({
      kept: 'source',
      held: 'source',
      reason: expect.stringContaining('kept the source model'),
    });
  });

  it('takes no unmeasurable candidate for safe', () => {
    const broken = (candidate: Look['candidate']) => look(candidate, 0.9, { entropy: Number.NaN });
    expect(choose([broken('source'), look(1, 0.2, { volumeMl: 2500 }), broken(2)])).toMatchObject({ kept: 1, held: 1 });
  });

  it('with statistics of the target goes back to the source model as the last resort only', () => {
    const sound = [look('source', 0.99), look('statistics', 0.6), look(1, 0.5)];
    expect(choose(sound, 'statistics')).toEqual({ kept: 'statistics', held: 'statistics' });
    const lost = [look('source', 0.3), look('statistics', 0.6, { volumeMl: 9000 }), look(1, 0.9, { volumeMl: 9000 })];
    expect(choose(lost, 'statistics')).toMatchObject({
      kept: 'source',
      held: 'source',
      reason: expect.stringMatching(/^epoch 1 left .*kept the source model$/),
    });
  });

  describe('where mirror images were looked at', () => {
    const mirrored = (candidate: Look['candidate'], values: number[], more: Partial<typeof seen> = {}) => ({
      ...look(candidate, 0.5, more),
      mirrored: values,
    });
    const source = mirrored('source', [0.7, 0.8, 0.9]);
    it('takes the candidate that agrees best with them, whatever the heads say', () => {
      const looks = [
        source,
        mirrored('statistics', [0.9, 0.9, 0.95]),
        { ...mirrored(1, [0.8, 0.9, 0.9]), agreement: 1 },
      ];
      expect(choose(looks, 'statistics')).toEqual({ kept: 'statistics', held: 'statistics' });
    });
    it('keeps the source model unless the best is better than it by more than chance', () => {
      const unsure = [source, mirrored('statistics', [0.6, 0.7, 0.8]), mirrored(1, [0.95, 0.75, 0.85])];
      expect(choose(unsure, 'statistics')).toEqual({
        kept: 'source',
        held: 'source',
        reason:
          'epoch 1 does not surely agree better with mirror images than the source model (+0.050, standard error 0.100); kept the source model',
      });
      expect(choose([source, mirrored(1, [0.6, 0.7, 0.8])])).toEqual({ kept: 'source', held: 'source' });
    });
    it('passes over candidates that leave the range further than the source model does', () => {
      const high = mirrored('source', [0.7, 0.8], { volumeMl: 2000 });
      const looks = [high, mirrored(1, [0.8, 0.9], { volumeMl: 1900 }), mirrored(2, [0.9, 1], { volumeMl: 2100 })];
      expect(choose(looks)).toMatchObject({
        kept: 1,
        held: 1,
        reason: expect.stringMatching(/^epoch 2 left .* epoch 1$/),
      });
    });
    it('keeps the last epoch of a student that is surely better', () => {
      const looks = [source, mirrored(1, [0.9, 1, 1]), mirrored(2, [0.8, 0.9, 1]), mirrored(3, [0.9, 0.7, 0.9])];
      expect(choose(looks, 'source', true, 'duration')).toMatchObject({ kept: 2, held: 2 });
    });
    it('believes a single case, and no mask of nothing', () => {
      expect(choose([mirrored('source', [0.7]), mirrored(1, [0.71])])).toMatchObject({ kept: 1 });
      expect(choose([mirrored('source', [0.7]), mirrored(1, [0], { volumeMl: 0 })])).toMatchObject({ kept: 'source' });
    });
  });

  it('without the guard looks at the agreement alone', () => {
    const looks = [look('source', 0.5), look(1, 0.9, { volumeMl: 0, agreementWithSource: 0 })];
    expect(choose(looks, 'source', false)).toEqual({ kept: 1, held: 1 });
  });
});

describe('the observer', () => {
  it('looks at mirror images where the guard asks and the network knows them from its source', async () => {
    const looks = async (mirrored: number | undefined, guard: boolean) => {
      const { model, target } = small();
      const range = { low: 0, high: 1e9 };
      model.reference = {
        volumeMl: range,
        entropy: range,
        agreement: range,
        cases: 1,
        ...(mirrored !== undefined && { mirrored }),
      };
      const config = configure({ method: 'adabn', guard });
      return (await finish(adapt(model, target, config, { seed: 1, name: 'target', toleranceMm: 2 }))).end.looks;
    };
    const [asked, ...others] = [
      await looks(0.9, true),
      await looks(0.9, false),
      await looks(0.2, true),
      await looks(undefined, true),
    ];
    for (const { mirrored } of asked) {
      expect(mirrored).toHaveLength(2);
      for (const value of mirrored!) expect(value >= 0 && value <= 1).toBe(true);
    }
    for (const { mirrored } of others.flat()) expect(mirrored).toBeUndefined();
  });

  it('compares masks with those of mirror images, mirrored back', () => {
    const { model, target } = small();
    const { images, spacing } = target[0];
    const how = { spacing, toleranceMm: 1 };
    const masksIn = (x: Tensor) => runWithoutPauses(masksOf(model, sourceOfTensor(x)));
    const masks = masksIn(images);
    const back = masksIn(images.flip(3));
    const [, , w] = back.shape;
    for (const mask of back.classes)
      for (let row = 0; row < mask.length; row += w) mask.subarray(row, row + w).reverse();
    const expected = runWithoutPauses(agreement(back, masks, { ...how, ofNothing: 0 }));
    expect(expected).toBeLessThan(1);
    expect(runWithoutPauses(mirrorAgreement(model, sourceOfTensor(images), masks, how))).toBeCloseTo(expected, 12);
  });

  it('does not ask candidates to agree with a source model that is itself out of its range', () => {
    const { model, target } = small();
    const lookAt = () => {
      const watched = { model, head: model.heads.get(3)!, target, toleranceMm: 2, mirrors: false };
      const observer = runWithoutPauses(Observer.of(watched));
      return runWithoutPauses(observer.look(1)).departures;
    };
    const look = (volumeMl: { low: number; high: number }) => {
      const agreement = { low: 3, high: 3 }; // more than there can be
      model.reference = { volumeMl, entropy: { low: 0, high: 1e9 }, agreement, cases: 1 };
      return lookAt().map(({ measure }) => measure);
    };
    expect(look({ low: 0, high: 1e9 })).toEqual(['agreement with the source model']);
    expect(look({ low: 1e8, high: 1e9 })).toEqual(['volume']);
    model.reference = undefined;
    expect(lookAt()).toEqual([]);
    model.dispose();
  });
});
