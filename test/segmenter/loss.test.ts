import { describe, expect, it } from 'vitest';
import { labelledLoss, softCrossEntropy } from '../../src/segmenter/index.js';
import { cat, type Tensor, tensor, zeros } from '../../src/torch/index.js';

const [half, channel] = [{ background: 'half' }, { background: 'channel' }] as const;
const values = (count: number, of: (i: number) => number) => Array.from({ length: count }, (_, i) => of(i));
const shape = [2, 1, 4, 5];
const x = tensor(
  values(40, (i) => 3 * Math.sin(i * 1.7)),
  shape,
);
const truth = tensor(
  values(40, (i) => (i % 3 === 0 ? 1 : 0)),
  shape,
);
const counted = tensor(
  values(40, (i) => (i % 7 === 0 ? 0 : 1)),
  shape,
);
/** The same answer with a map for the background: a softmax over 0 and x is a sigmoid of x. */
const withBackground = (logits: Tensor) => cat([zeros(shape), logits], 1);
const distribution = (p: Tensor) => cat([p.neg().add(1), p], 1);

describe('one class, with a map for the background and without', () => {
  it.each([0, 0.5, 1])('has the same loss against labels, %d of it Dice', (share) => {
    for (const pixels of [undefined, counted]) {
      const maps = pixels ? truth.mul(pixels) : truth;
      const [one, two] = [
        labelledLoss(half, x, maps, share, pixels),
        labelledLoss(channel, withBackground(x), maps, share, pixels),
      ];
      expect(two.item()).toBeCloseTo(one.item(), 6);
    }
  });

  it('has the same loss against probabilities', () => {
    const p = x.mul(0.3).add(0.2).sigmoid();
    const loss = softCrossEntropy(channel, withBackground(x), distribution(p));
    expect(loss.item()).toBeCloseTo(softCrossEntropy(half, x, p).item(), 6);
  });
});
