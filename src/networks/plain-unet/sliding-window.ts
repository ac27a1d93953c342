/**
 * Predicting large images in overlapping patches, as nnU-Net does (`nnUNetPredictor`): patches at most half their side
 * apart, whose answers weigh most in the middle. Sums are float32, where nnU-Net adds in float16.
 */
import { operator, type Tensor, tensor, zeros } from '../../torch/index.js';

const pad = operator('aten::constant_pad_nd') as (input: Tensor, by: number[], value: number) => Tensor;

type Pair = readonly [number, number];

/**
 * @param images float32 [B, C, H, W]; smaller ones are padded with zeros about them
 * @param patch [rows, columns]
 * @param logits of a patch [B, C, rows, columns]
 * @returns the weighted mean of the patches' logits [B, maps, H, W]
 */
export function slidingWindow(images: Tensor, patch: Pair, logits: (patch: Tensor) => Tensor): Tensor {
  const [b, , ...size] = images.shape;
  const missing = size.map((side, axis) => Math.max(0, patch[axis] - side));
  const [top, left] = missing.map((count) => Math.floor(count / 2));
  const padded = missing.some((count) => count > 0)
    ? pad(images, [left, missing[1] - left, top, missing[0] - top], 0)
    : images;
  const [, , height, width] = padded.shape;
  const { device } = images;
  const weights = gaussian(patch, device); // [rows, columns]
  const total = zeros([height, width], { device });
  let sum: Tensor | undefined; // [B, maps, height, width]
  for (const row of stepsOf(height, patch[0]))
    for (const column of stepsOf(width, patch[1])) {
      const here = (whole: Tensor) => whole.narrow(-2, row, patch[0]).narrow(-1, column, patch[1]);
      const answer = logits(here(padded)).mul(weights);
      sum ??= zeros([b, answer.shape[1], height, width], { device });
      here(sum).add_(answer);
      here(total).add_(weights);
    }
  return sum!.div(total).narrow(2, top, size[0]).narrow(3, left, size[1]);
}

/** First pixels of patches along a side: evenly spaced, at most half a patch apart. */
export function stepsOf(side: number, patch: number): number[] {
  const count = Math.ceil((side - patch) / (patch / 2)) + 1;
  const step = count > 1 ? (side - patch) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => roundHalfToEven(step * i));
}

/** As NumPy rounds. */
function roundHalfToEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/** Deviations of an eighth of the patch about its middle, 10 there: float32 [rows, columns]. */
function gaussian([rows, columns]: Pair, device: string): Tensor {
  const along = (side: number) =>
    Array.from({ length: side }, (_, i) => Math.exp(-(((i - Math.floor(side / 2)) / (side / 8)) ** 2) / 2));
  const [down, right] = [along(rows), along(columns)];
  return tensor(
    down.flatMap((first) => right.map((second) => 10 * first * second)),
    [rows, columns],
    { device },
  );
}
