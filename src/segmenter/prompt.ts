/**
 * Segmenting what a user points at: points and a box on one slice of a volume, in the file's voxels or in millimetres.
 *
 * With the stock head the answer is one object; where a single point leaves open which of several things is meant, the
 * one whose IoU the model predicts to be highest. A head with classes answers with labels, as it was trained to.
 */
import { z } from 'zod';
import type { Pausing } from '../core/index.js';
import {
  asImages,
  placeInSlices,
  placeOnGrid,
  preparationOf,
  RestoredLabels,
  type SliceGeometry,
  sourceOfVolume,
  type Triple,
  takeWindows,
  type Volume,
  viewsOf,
} from '../data/index.js';
import type { PromptedPrediction, Prompts } from '../networks/index.js';
import { noGrad, scope, softmax, type Tensor, tensor } from '../torch/index.js';
import { segmenterError } from './errors.js';
import type { Segmenter } from './segmenter.js';

const place = z.tuple([z.number(), z.number(), z.number()]);
export const promptSchema = z.strictObject({
  space: z
    .enum(['voxel', 'mm'])
    .default('voxel')
    .describe('what places (x, y, z) are: voxels of the file, from 0, or millimetres of its world'),
  points: z
    .array(
      z.strictObject({
        at: place.describe('(x, y, z)'),
        inside: z.boolean().default(true).describe('false: the point lies outside the object'),
      }),
    )
    .default([])
    .describe('places on one slice'),
  box: z
    .strictObject({ from: place.describe('one corner'), to: place.describe('the opposite corner') })
    .optional()
    .describe('a box on the same slice'),
});
export type Prompt = z.output<typeof promptSchema>;

export interface PromptedMask {
  /** The slice along the preprocessing's axis, on the RAS grid. */
  slice: number;
  /** uint8 [z, y, x] on the volume's RAS grid: 1 (or the class) inside, 0 elsewhere and on other slices */
  labels: Uint8Array;
  /** How well the model thinks the mask overlaps the object; of a head with classes undefined: it is not trained. */
  iou: number | undefined;
}

/**
 * Segments what points and a box on one slice of a volume ask for, with a network that takes prompts.
 *
 * @param volume float32 [z, y, x] in RAS, as `readVolume` gives it
 * @param prompt places (x, y, z) in voxels of the file, from 0, or in mm of its world
 * @returns `labels` uint8 [z, y, x] on the volume's RAS grid, 0 on every other slice
 * @throws GraftError PROMPT_UNKNOWN, PROMPT_EMPTY, PROMPT_OUTSIDE, PROMPT_SLICES, VOLUME_CONSTANT, SLICES_TOO_LARGE
 */
export function* segmentWithPrompt(model: Segmenter, volume: Volume, prompt: Prompt): Pausing<PromptedMask> {
  const { network, device } = model;
  const { preprocessing, windows, cornered = false } = model.preparation;
  if (!network.prompted) throw segmenterError('PROMPT_UNKNOWN', { family: model.family.name });
  // Of a model of all planes the first one is asked.
  const [view] = viewsOf({}, preprocessing);
  const preparation = yield* preparationOf(volume, view, { cornered });
  const { geometry } = preparation;
  const { slice, ...asked } = locate(volume, geometry, prompt);
  const middle = Math.floor(windows.slices / 2);
  const first = Math.max(0, slice - middle);
  const end = Math.min(geometry.shape[0], slice - middle + windows.slices);
  return scope(() =>
    noGrad(() => {
      const images = sourceOfVolume(preparation)
        .take(first, end - first)
        .to({ device });
      // The whole window goes through the encoder: adapters may look across slices.
      const seen = asImages(takeWindows({ images }, [slice - middle - first], windows), network.input.channels);
      const padded = cornered && network.pad ? network.pad(seen.clone(), geometry.resampled) : seen;
      const window = network.encode(padded);
      const prompts = promptTensors(asked, device);
      const prediction = network.prompted!(window.narrow(0, middle, 1), prompts);
      const { maps, iou, background } = answerOf(model, prediction, asked.points.length === 1 && !asked.box);
      const restored = new RestoredLabels([geometry], { channels: maps.shape[1], background });
      restored.add(maps.toArray<'float32'>(), slice);
      return { slice: geometry.first + slice, iou, labels: restored.labels };
    }),
  );
}

interface Asked {
  points: { pixel: [number, number]; inside: boolean }[];
  box: [number, number, number, number] | undefined;
}

/** The prompt in pixels of its slice. */
function locate(volume: Volume, geometry: SliceGeometry, { space, points, box }: Prompt): Asked & { slice: number } {
  if (points.length === 0 && !box) throw segmenterError('PROMPT_EMPTY', {});
  const [z, y, x] = volume.shape;
  const find = (what: string, at: Triple) => {
    const onGrid = placeOnGrid(volume, at, space);
    const outside = onGrid.some((value, i) => !(value >= -0.5 && value < [x, y, z][i] - 0.5));
    const found = placeInSlices(geometry, onGrid);
    // The preprocessing may leave slices out.
    if (outside || found.slice < 0 || found.slice >= geometry.shape[0])
      throw segmenterError('PROMPT_OUTSIDE', { file: volume.path, what, place: at.join(', '), space });
    return found;
  };
  const placed = points.map(({ at, inside }) => ({ ...find('point', at), inside }));
  const corners = box ? [find('corner', box.from), find('corner', box.to)] : [];
  const slices = [...new Set([...placed, ...corners].map(({ slice }) => slice))];
  if (slices.length > 1)
    throw segmenterError('PROMPT_SLICES', {
      file: volume.path,
      count: slices.length,
      axis: geometry.axis,
      slices: slices.sort((a, b) => a - b).join(', '),
    });
  const [first, second] = corners.map(({ pixel }) => pixel);
  const sides = (choose: typeof Math.min): [number, number] => [
    choose(first[0], second[0]),
    choose(first[1], second[1]),
  ];
  return { slice: slices[0], points: placed, box: box && [...sides(Math.min), ...sides(Math.max)] };
}

function promptTensors({ points, box }: Asked, device: string): Prompts {
  const count = points.length;
  return {
    ...(count > 0 && {
      points: {
        places: tensor(
          points.flatMap(({ pixel }) => pixel),
          [1, count, 2],
          { device },
        ),
        labels: tensor(
          points.map(({ inside }) => (inside ? 1 : 0)),
          [1, count],
          { dtype: 'int64', device },
        ),
      },
    }),
    ...(box && { boxes: tensor(box, [1, 4], { device }) }),
  };
}

/**
 * What becomes labels: float32 [1, C, h, w]. Segment-anything brings logits to the image's pixels, MedSAM probabilities.
 *
 * @param ambiguous whether the prompt leaves open which of the stock head's masks is meant
 */
function answerOf(
  { classes, preparation: { cornered } }: Segmenter,
  prediction: PromptedPrediction,
  ambiguous: boolean,
) {
  if (classes.length > 0)
    return { maps: softmax(prediction.logits, 1), iou: undefined, background: 'channel' as const };
  const { logits, iou } = bestMask(prediction, ambiguous);
  return cornered
    ? { maps: logits, iou, background: 'zero' as const }
    : { maps: logits.sigmoid(), iou, background: 'half' as const };
}

/** Of the stock head's masks the one to show: logits float32 [1, 1, h, w]. */
function bestMask({ logits, iou }: PromptedPrediction, ambiguous: boolean): { logits: Tensor; iou: number } {
  const scores = iou.toArray();
  let best = 0;
  if (ambiguous) {
    best = 1;
    for (let mask = 2; mask < scores.length; mask++) if (scores[mask] > scores[best]) best = mask;
  }
  return { logits: logits.narrow(1, best, 1), iou: scores[best] };
}
