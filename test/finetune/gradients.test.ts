/** The backward pass: the same gradients however few activations are kept, and none that nobody asked for. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { accumulateGradients, fineTuningLoss } from '../../src/finetune/index.js';
import { samAdapterSchema, samPlans } from '../../src/networks/sam/index.js';
import { applyPlan } from '../../src/peft/index.js';
import { scope, tensor } from '../../src/torch/index.js';
import { small } from './small.js';

const stream = random(1, 'gradients');
const [b, side] = [3, 32];
const pixels = Float32Array.from({ length: b * 3 * side * side }, () => stream.uniform());
// Three stripes: labels of noise would leave gradients that are the small difference of large numbers.
const truth = Array.from({ length: b * side * side }, (_, i) => Math.floor(((i % side) * 3) / side));

/** Gradients by name after one pass, and the loss. */
function pass(plan: string, options: { checkpointing?: boolean; bfloat16?: boolean; dropout?: number } = {}) {
  const { checkpointing = false, bfloat16 = false, dropout } = options;
  const sam = small().network;
  const planned = applyPlan(
    sam,
    samPlans[plan],
    samAdapterSchema.parse({ rank: 2, init: 'reference', slices: 3, ...(dropout && { dropout }) }),
    { seed: 7 },
  );
  planned.attached?.setDropout(11);
  return scope(() => {
    const images = tensor(pixels, [b, 3, side, side]);
    const labels = tensor(truth, [b, side, side], { dtype: 'int64' });
    const loss = accumulateGradients(
      sam,
      planned.trained.keys(),
      images,
      (embeddings, run) =>
        fineTuningLoss(
          run(() => sam.logits(embeddings)),
          labels,
        ).loss,
      { checkpointing, bfloat16 },
    ).item();
    const gradients = new Map(
      [...planned.trained].map(([name, value]) => [name, value.grad && (value.grad.toArray() as Float32Array)]),
    );
    sam.dispose();
    return { loss, gradients };
  });
}

const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
function expectEqual(a: ReturnType<typeof pass>, c: ReturnType<typeof pass>, tolerance: number): void {
  expect(c.loss).toBeCloseTo(a.loss, 6);
  for (const [name, gradient] of a.gradients) {
    const other = c.gradients.get(name);
    expect(other === undefined, name).toBe(gradient === undefined);
    if (!gradient || !other) continue;
    const difference = length(gradient.map((value, i) => value - other[i]));
    expect(difference / Math.max(length(gradient), 1e-6), name).toBeLessThan(tolerance);
  }
}

describe('activation checkpointing', () => {
  it.each(Object.keys(samPlans))('leaves the gradients of the plan %s as they are', (plan) => {
    expectEqual(pass(plan), pass(plan, { checkpointing: true }), 1e-4);
  });

  it('drops the same elements both times', () => {
    const kept = pass('lora', { dropout: 0.5 });
    expectEqual(kept, pass('lora', { dropout: 0.5, checkpointing: true }), 1e-4);
    expect(kept.loss).not.toBe(pass('lora').loss);
  });

  it('works in bfloat16', () => {
    expectEqual(pass('flap-sam', { bfloat16: true }), pass('flap-sam', { bfloat16: true, checkpointing: true }), 1e-4);
  });
});

describe('gradients', () => {
  it.each(Object.keys(samPlans))('reach all that the plan %s trains, but what no prompt or IoU asks for', (plan) => {
    const without = [...pass(plan).gradients].flatMap(([name, gradient]) => (gradient ? [] : [name]));
    // Nothing is prompted and the IoU is in no loss.
    const idle = /^(prompt_encoder\.(?!no_mask_embed)|mask_decoder\.iou_prediction_head)/;
    expect(without.filter((name) => !idle.test(name))).toEqual([]);
  });

  it('in bfloat16 are near those in float32, all together', () => {
    const [exact, rounded] = [pass('flap-sam'), pass('flap-sam', { bfloat16: true })];
    const all = ({ gradients }: typeof exact) => Float32Array.from([...gradients.values()].flatMap((one) => [...one!]));
    const [a, c] = [all(exact), all(rounded)];
    expect(rounded.loss).toBeCloseTo(exact.loss, 2);
    expect(length(a.map((value, i) => value - c[i])) / length(a)).toBeLessThan(0.25);
    expect(c).not.toEqual(a);
  });
});
