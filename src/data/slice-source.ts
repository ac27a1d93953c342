/** Slices that a network takes batch by batch, wherever they come from: held whole, or prepared when they are asked for. */
import { type Tensor, tensor } from '../torch/index.js';
import type { SlicePreparation } from './preprocess/index.js';

export interface SliceSource {
  /** [n, h, w] */
  shape: readonly [number, number, number];
  /** float32 [count, 1, h, w] on the CPU, for the caller to dispose; perhaps another's memory, so never to be changed. */
  take(start: number, count: number): Tensor;
}

/** Pixels of a batch: no more are computed without a pause, and their activations fit beside a volume. */
const batchPixels = 2 ** 18;

/** Slices of that size in a batch of inference. @param most however small they are */
export const batchOf = ([, h, w]: SliceSource['shape'], most: number): number =>
  Math.max(1, Math.min(most, Math.floor(batchPixels / (h * w))));

/** @param images float32 [n, 1, h, w] */
export function sourceOfTensor(images: Tensor): SliceSource {
  const [n, , h, w] = images.shape;
  return { shape: [n, h, w], take: (start, count) => images.narrow(0, start, count) };
}

/** The slices of a volume, of which a batch at a time is in memory. */
export function sourceOfVolume({ geometry, prepare }: SlicePreparation): SliceSource {
  const [, h, w] = geometry.shape;
  return {
    shape: geometry.shape,
    take(start, count) {
      const slices = new Float32Array(count * h * w);
      for (let i = 0; i < count; i++) prepare(start + i, slices.subarray(i * h * w, (i + 1) * h * w));
      return tensor(slices, [count, 1, h, w], { device: 'cpu', copy: false });
    },
  };
}
