/** What a model is asked in pretraining: generated scenes, with prompts for an object and the mask that answers them. */
import type { Random } from '../core/index.js';
import { drawScene, type Scene } from '../data/index.js';
import type { Prompts } from '../networks/index.js';
import { type Tensor, tensor } from '../torch/index.js';

/** One question for every image of a batch. */
export interface Question {
  prompts: Prompts;
  /** float32 [B, 1, s, s], 0 or 1 */
  answer: Tensor;
  /** Whether the prompt leaves open which of several things is meant. */
  ambiguous: boolean;
}

export interface PretrainingTask {
  /** float32 [B, 3, s, s] */
  images: Tensor;
  /** By a point, by a box, and without a prompt: for all objects. */
  questions: Record<'point' | 'box' | 'none', Question>;
}

/** @param several whether there are three points for each object instead of one */
export function drawTask(
  size: number,
  batch: number,
  random: Random,
  { several = false, device = 'cpu' }: { several?: boolean; device?: string } = {},
): PretrainingTask {
  const scenes = Array.from({ length: batch }, () => sceneWithObjects(size, random));
  const maps = (values: (Float32Array | Uint8Array)[]) => {
    const all = new Float32Array(batch * size * size);
    values.forEach((one, i) => {
      all.set(one, i * size * size);
    });
    return tensor(all, [batch, 1, size, size], { device });
  };
  const images = maps(scenes.map(({ image }) => image)).expand(batch, 3, size, size);

  const pointed = scenes.map((scene) => anyObject(scene, random));
  const points = pointed.flatMap((mask) => pointsFor(mask, several ? 3 : 1, random));
  const count = points.length / batch;
  const place = ({ pixel }: Point) => [pixel % size, Math.floor(pixel / size)];
  const boxed = scenes.map((scene) => anyObject(scene, random));
  const boxes = boxed.flatMap((mask) => boxAround(mask, size, random));

  return {
    images,
    questions: {
      point: {
        prompts: {
          points: {
            places: tensor(points.flatMap(place), [batch, count, 2], { device }),
            labels: tensor(
              points.map(({ inside }) => inside),
              [batch, count],
              { dtype: 'int64', device },
            ),
          },
        },
        answer: maps(pointed),
        ambiguous: !several,
      },
      box: { prompts: { boxes: tensor(boxes, [batch, 4], { device }) }, answer: maps(boxed), ambiguous: false },
      none: {
        prompts: {},
        answer: maps(scenes.map(({ objects }) => objects.map((one) => (one > 0 ? 1 : 0)))),
        ambiguous: false,
      },
    },
  };
}

function sceneWithObjects(size: number, random: Random): Scene {
  for (;;) {
    const scene = drawScene(size, random);
    if (scene.count > 0) return scene;
  }
}

const maskOf = ({ objects }: Scene, number: number) => objects.map((one) => (one === number ? 1 : 0));
const anyObject = (scene: Scene, random: Random) => maskOf(scene, 1 + random.integer(scene.count));

interface Point {
  pixel: number;
  inside: 0 | 1;
}

/** A point inside, and others anywhere. */
function pointsFor(mask: Uint8Array, count: number, random: Random): Point[] {
  const inside: number[] = [];
  mask.forEach((one, pixel) => {
    if (one) inside.push(pixel);
  });
  return Array.from({ length: count }, (_, i) => {
    const pixel = i === 0 ? inside[random.integer(inside.length)] : random.integer(mask.length);
    return { pixel, inside: mask[pixel] as 0 | 1 };
  });
}

/** (x0, y0, x1, y1), each side moved by up to a tenth of the box. */
function boxAround(mask: Uint8Array, size: number, random: Random): number[] {
  let [left, top, right, bottom] = [size, size, 0, 0];
  mask.forEach((one, pixel) => {
    if (!one) return;
    const [x, y] = [pixel % size, Math.floor(pixel / size)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  });
  const [w, h] = [right - left + 1, bottom - top + 1];
  const near = (side: number, length: number) => side + random.uniform(-0.1, 0.1) * length;
  return [near(left, w), near(top, h), near(right, w), near(bottom, h)];
}
