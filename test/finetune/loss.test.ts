/** The loss against numbers worked out one pixel after another, and against the reference cases. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { fineTuningLoss } from '../../src/finetune/index.js';
import { readState } from '../../src/nn/index.js';
import { scope, tensor } from '../../src/torch/index.js';
import { root } from '../child.js';

const [n, c, h, w] = [2, 3, 4, 5];
const size = h * w;

/** The loss as its definition says it, in double precision. */
function byHand(logits: Float32Array, labels: number[], ceWeight: number) {
  const dice = Array.from({ length: c }, () => ({ overlap: 0, total: 0 }));
  let entropy = 0;
  let counted = 0;
  labels.forEach((label, i) => {
    if (label === -100) return;
    const [b, pixel] = [Math.floor(i / size), i % size];
    const scores = Array.from({ length: c }, (_, k) => Math.exp(logits[(b * c + k) * size + pixel]));
    const sum = scores.reduce((x, y) => x + y);
    entropy -= Math.log(scores[label] / sum);
    counted++;
    scores.forEach((score, k) => {
      const [p, t] = [score / sum, label === k ? 1 : 0];
      dice[k].overlap += p * t;
      dice[k].total += p * p + t * t;
    });
  });
  const mean = dice.reduce((sum, { overlap, total }) => sum + 1 - (2 * overlap + 1e-5) / (total + 1e-5), 0) / c;
  return { crossEntropy: entropy / counted, dice: mean, loss: (ceWeight * entropy) / counted + (1 - ceWeight) * mean };
}

const draw = (ignored: number) => {
  const stream = random(1, 'loss', ignored);
  return {
    logits: Float32Array.from({ length: n * c * size }, () => stream.normal(0, 2)),
    labels: Array.from({ length: n * size }, () => (stream.chance(ignored) ? -100 : stream.integer(c))),
  };
};

describe('the loss', () => {
  it.each([
    [0, 0.2],
    [0.4, 0.2],
    [0.4, 0.7],
  ])('is the one written down, with a share of %f of the pixels ignored and %f cross-entropy', (ignored, ceWeight) => {
    const { logits, labels } = draw(ignored);
    const expected = byHand(logits, labels, ceWeight);
    scope(() => {
      const target = tensor(labels, [n, h, w], { dtype: 'int64' });
      const found = fineTuningLoss(tensor(logits, [n, c, h, w]), target, { ceWeight });
      for (const key of ['loss', 'crossEntropy', 'dice'] as const)
        expect(found[key].item()).toBeCloseTo(expected[key], 5);
    });
  });

  it('has no gradient at ignored pixels', () => {
    const { logits, labels } = draw(0.4);
    scope(() => {
      const x = tensor(logits, [n, c, h, w]);
      x.requiresGrad = true;
      fineTuningLoss(x, tensor(labels, [n, h, w], { dtype: 'int64' })).loss.backward();
      const gradient = x.grad!.toArray();
      labels.forEach((label, i) => {
        const at = Array.from({ length: c }, (_, k) => gradient[(Math.floor(i / size) * c + k) * size + (i % size)]);
        expect(at.every((value) => value === 0)).toBe(label === -100);
      });
    });
  });

  it.each(['sam-flap', 'sam-full', 'sam-dora', 'sam-multi-lora'])('agrees with the reference on %s', (name) => {
    const folder = join(root, 'test/golden', name);
    const { rtol } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as { rtol: number };
    const { state } = readState(join(folder, 'tensors.safetensors'));
    const want = (key: string) => state.get(`output.${key}`)!.item();
    scope(() => {
      const found = fineTuningLoss(state.get('output.logits')!, state.get('input.label')!);
      expect(Math.abs(found.crossEntropy.item() / want('loss_ce') - 1)).toBeLessThan(rtol);
      expect(Math.abs(found.dice.item() / want('loss_dice') - 1)).toBeLessThan(rtol);
      expect(Math.abs(found.loss.item() / want('loss') - 1)).toBeLessThan(rtol);
    });
  });
});
