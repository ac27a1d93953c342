/** The foundation: its tasks, that a model learns from them, and that it is one wherever a foundation is taken. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { type Pretraining, pretrain, pretrainingSchema } from '../../src/finetune/index.js';
import { drawTask } from '../../src/finetune/pretrain-tasks.js';
import { Checkpoint, fingerprint, type TrainingEvent } from '../../src/nn/index.js';
import { loadFoundation, saveSegmenter } from '../../src/segmenter/index.js';
import { scope } from '../../src/torch/index.js';
import { samSegmenter } from '../segmenters.js';
import { architecture, small } from './small.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-pretrain-'));
afterAll(() => rmSync(folder, { recursive: true }));

const configure = (config: Partial<Pretraining>) =>
  pretrainingSchema.parse({ steps: 6, epoch: 4, batch: 2, warmup: 2, ...config });

async function run(config: Partial<Pretraining> = {}, checkpoint?: Checkpoint, stopAfter = Number.POSITIVE_INFINITY) {
  const model = small({ classes: [] });
  const events: TrainingEvent[] = [];
  for await (const event of pretrain(model.network, configure(config), {
    seed: 1,
    ...(checkpoint && { checkpoint }),
  })) {
    events.push(event);
    if (events.length === stopAfter) break;
  }
  return { model, events, bits: fingerprint(model.network.state()) };
}

describe('a task', () => {
  it('asks for objects that are where the prompts say', () => {
    scope(() => {
      const { images, questions } = drawTask(32, 8, random(1, 'task'), { several: true });
      expect(images.shape).toEqual([8, 3, 32, 32]);
      const answers = questions.point.answer.toArray();
      const { places, labels } = questions.point.prompts.points!;
      const [xy, inside] = [places.toArray(), labels.toArray<'int64'>()];
      for (let i = 0; i < 24; i++) {
        const [scene, x, y] = [Math.floor(i / 3), xy[2 * i], xy[2 * i + 1]];
        expect(answers[(scene * 32 + y) * 32 + x], `point ${i}`).toBe(Number(inside[i]));
        if (i % 3 === 0) expect(Number(inside[i])).toBe(1);
      }
      const boxes = questions.box.prompts.boxes!.toArray();
      const boxed = questions.box.answer.toArray();
      boxed.forEach((one, i) => {
        if (!one) return;
        const [scene, y, x] = [Math.floor(i / 1024), Math.floor(i / 32) % 32, i % 32];
        const [x0, y0, x1, y1] = boxes.subarray(4 * scene, 4 * scene + 4);
        // Sides are moved by up to a tenth of the box, which is at most 32 pixels.
        expect(x > x0 - 3.3 && x < x1 + 3.3 && y > y0 - 3.3 && y < y1 + 3.3).toBe(true);
      });
    });
  });
});

describe('pretraining', () => {
  it('lowers its loss, and looks at other scenes now and then', async () => {
    const { events } = await run({ steps: 40, epoch: 20, batch: 4, lr: 2e-3, warmup: 5 });
    const epochs = events.flatMap((event) => (event.kind === 'epoch' ? [event.values] : []));
    expect(epochs.map((values) => Object.keys(values))).toEqual(
      Array(2).fill(['loss', 'IoU point', 'IoU box', 'IoU none']),
    );
    expect(epochs[1].loss).toBeLessThan(0.95 * epochs[0].loss);
  });

  it.each([2, 5, 7])('resumes after %i events to the same bits', async (stopAfter) => {
    const whole = await run();
    expect(whole.events.map(({ kind }) => kind[0]).join('')).toBe('ssssesse');
    const checkpoint = new Checkpoint(join(folder, `${stopAfter}.ckpt`), { seed: 1 });
    await run({}, checkpoint, stopAfter);
    const resumed = await run({}, checkpoint);
    expect(resumed.bits).toBe(whole.bits);
    expect(resumed.events.length).toBeLessThan(whole.events.length);
    expect([...resumed.model.network.parameters().values()].some(({ requiresGrad }) => requiresGrad)).toBe(false);
  });

  it('makes a foundation that a model with classes starts from', async () => {
    const { model } = await run({ steps: 2 });
    const file = join(folder, 'foundation.safetensors');
    saveSegmenter(file, model);
    const tuned = samSegmenter(architecture, { classes: ['core', 'rim'] });
    tuned.initialise(1);
    const { loaded, fresh, resized } = loadFoundation(tuned, file);
    expect(resized).toEqual([]);
    expect(loaded).toContain('image_encoder.blocks.0.attn.qkv.weight');
    expect(fresh.every((name) => /mask_tokens|hypernetworks|iou_prediction_head|output_upscaling/.test(name))).toBe(
      true,
    );
  });
});
