import { describe, expect, it } from 'vitest';
import { calibrate } from '../../src/adapt/calibrate.js';
import { adapt } from '../../src/adapt/index.js';
import { runWithoutPauses } from '../../src/core/index.js';
import { fingerprint, type Module } from '../../src/nn/index.js';
import { memoryStatistics, noGrad, type Tensor } from '../../src/torch/index.js';
import { configure, finish, small } from './small.js';

const context = { seed: 1, name: 'target', toleranceMm: 2 };

/** Mean probabilities of the early head and of the network, over all slices. */
const means = ({ model, target }: ReturnType<typeof small>, level: number) =>
  noGrad(() => {
    const sums = [0, 0];
    for (const { images } of target) {
      const features = model.network.encode(images);
      const logits = [model.heads.get(level)!.read(features), model.network.logits(features)];
      logits.forEach((one: Tensor, i) => {
        sums[i] += one.sigmoid().mean().item() / target.length;
      });
    }
    return sums;
  });

const fingerprints = (module: Module) =>
  new Map([...module.state()].map(([name, value]) => [name, fingerprint(new Map([[name, value]]))]));

describe('calibrating an early head', () => {
  it.each([0, 3])('at level %i lets it segment as much as the network, by its last bias alone', (level) => {
    const given = small();
    const head = given.model.heads.get(level)!;
    head.shift([1]); // far too large
    const before = fingerprints(head);
    const [early, final] = means(given, level);
    expect(Math.abs(early - final), 'the case shows something').toBeGreaterThan(0.1);
    runWithoutPauses(
      calibrate(
        given.model.network,
        head,
        given.target.map(({ images }) => images),
      ),
    );
    const [calibrated, same] = means(given, level);
    expect(calibrated).toBeCloseTo(final, 5);
    expect(same).toBe(final);
    const after = fingerprints(head);
    expect([...after.keys()].filter((name) => after.get(name) !== before.get(name))).toEqual(['conv3.bias']);
  });

  it('holds no more of a batch than the head’s logits', () => {
    const { model, target } = small();
    const seen: number[] = [];
    function* batches() {
      for (let i = 0; i < 6; i++) {
        seen.push(memoryStatistics().bytes);
        yield target[0].images; // float32 [4, 1, 16, 16]
      }
    }
    runWithoutPauses(calibrate(model.network, model.heads.get(3)!, batches()));
    const [logits, shares] = [4 * 4 * 256, 4 * 4];
    for (let i = 1; i < seen.length; i++) expect(seen[i] - seen[i - 1]).toBeLessThanOrEqual(logits + shares);
  });

  it('happens before the first look, unless it is turned off', async () => {
    const first = async (config: Parameters<typeof configure>[0]) => {
      const given = small();
      for await (const event of adapt(given.model, given.target, configure(config), context))
        if (event.kind === 'look') return means(given, 3);
      return [];
    };
    const [early, final] = await first({ method: 'convlora' });
    expect(early).toBeCloseTo(final, 5);
    const [untouched] = await first({ method: 'convlora', calibrate: false });
    expect(untouched).toBe(means(small(), 3)[0]);
  });

  it('counts for the source model as for every other candidate', async () => {
    const agreementOfSource = async (shift: number, calibrated: boolean) => {
      const given = small();
      given.model.heads.get(3)!.shift([shift]);
      const config = configure({ method: 'convlora', calibrate: calibrated, epochs: 0 });
      const { end } = await finish(adapt(given.model, given.target, config, context));
      return end.looks[0].agreement;
    };
    expect(await agreementOfSource(1, true)).toBeCloseTo(await agreementOfSource(0, true), 2);
    expect(Math.abs((await agreementOfSource(1, false)) - (await agreementOfSource(0, false)))).toBeGreaterThan(0.02);
  });
});
