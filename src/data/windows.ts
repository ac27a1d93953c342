/**
 * Windows: short runs of consecutive slices that a network sees together, and batches of them in an order that a seed
 * fixes. A window that reaches beyond its volume repeats the volume's first or last slice.
 *
 * `scaling: window` stretches every window to [0, 1] by its own least and greatest value, as FLAP-SAM's code does. It is
 * not the default: a tissue's brightness then depends on the slices that happen to lie beside it, a window of background
 * is noise stretched to full contrast, and a slice has as many predictions as there are windows that hold it.
 */
import { z } from 'zod';
import type { Random } from '../core/index.js';
import { operator, scope, stack, type Tensor } from '../torch/index.js';
import { type CaseSlices, labelTensor } from './slices.js';

export const windowSchema = z.strictObject({
  slices: z.int().min(1).default(5).describe('consecutive slices in a window; volumes repeat their edge slices'),
  scaling: z
    .enum(['volume', 'window'])
    .default('volume')
    .describe('intensities as the preprocessing leaves them, or each window stretched to [0, 1]'),
});
export type WindowConfig = z.output<typeof windowSchema>;

/** Windows of several volumes: images float32 [B, D, h, w], labels int64 of the same shape. */
export interface WindowBatch {
  images: Tensor;
  labels: Tensor;
}

/**
 * The first slice of each window over a volume of `count` slices; negative where the window begins before it.
 *
 * @param overlap true: every slice is once the middle of a window; false: windows follow one another
 */
export function windowStarts(count: number, { slices }: WindowConfig, overlap: boolean): number[] {
  if (!overlap) return Array.from({ length: Math.ceil(count / slices) }, (_, i) => i * slices);
  return Array.from({ length: count }, (_, i) => i - Math.floor(slices / 2));
}

/**
 * Takes windows out of one volume.
 *
 * @param images float32 [n, 1, h, w]
 * @param starts as `windowStarts` gives them
 * @returns float32 [starts, D, h, w]
 */
export function takeWindows({ images }: Pick<CaseSlices, 'images'>, starts: readonly number[], config: WindowConfig) {
  const slices = images.squeeze(1); // [n, h, w]
  return scaled(
    gather(
      starts.map((start) => ({ slices, start })),
      config,
    ),
    config,
  );
}

/** The slices of windows as a network takes them, grey or in colour: [B, D, h, w] -> [B·D, channels, h, w]. */
export function asImages(windows: Tensor, channels: number): Tensor {
  const [b, d, h, w] = windows.shape;
  return windows.reshape(b * d, 1, h, w).expand(b * d, channels, h, w);
}

/**
 * Labelled windows that training draws from; those of one size stand together, so that they fit one batch. The cases' own
 * memory is drawn from: a pool holds batches, not copies of the set.
 */
export class WindowPool implements Disposable {
  readonly #config: WindowConfig;
  readonly #device: string;
  /** By the size of their slices. */
  readonly #groups = new Map<string, LabelledWindow[]>();
  readonly #held: Tensor[] = [];
  /** Number of slices, each counted once. */
  readonly slices: number;

  /**
   * @param cases labelled, at least one; their tensors may be disposed afterwards
   * @param options.overlap as in `windowStarts`
   * @param options.device where batches are wanted
   */
  constructor(cases: readonly CaseSlices[], config: WindowConfig, { overlap = true, device = 'cpu' } = {}) {
    this.#config = config;
    this.#device = device;
    for (const one of cases) {
      const slices = one.images.squeeze(1).keep(); // [n, h, w]
      const labels = labelTensor(one).keep(); // uint8 [n, h, w]
      this.#held.push(slices, labels);
      const [n, ...size] = slices.shape;
      const group = this.#groups.get(size.join()) ?? [];
      this.#groups.set(size.join(), group);
      for (const start of windowStarts(n, config, overlap)) group.push({ slices, labels, start });
    }
    this.slices = cases.reduce((sum, { images }) => sum + images.shape[0], 0);
  }

  /** Number of windows. */
  get size(): number {
    return [...this.#groups.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Batches of an epoch. */
  batches(batchSize: number): number {
    return [...this.#groups.values()].reduce((sum, { length }) => sum + Math.ceil(length / batchSize), 0);
  }

  /** One pass over all windows in random order. Call `take` for a batch's tensors inside a scope. */
  *epoch(batchSize: number, random: Random): Generator<{ take: () => WindowBatch }> {
    const chunks = [...this.#groups.values()].flatMap((group) => {
      const order = random.shuffle(group);
      return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, i) =>
        order.slice(i * batchSize, (i + 1) * batchSize),
      );
    });
    // Windows of one size are in random order already.
    for (const chunk of this.#groups.size > 1 ? random.shuffle(chunks) : chunks)
      yield {
        take: () => ({
          images: scaled(this.#gather(chunk), this.#config),
          labels: this.#gather(chunk.map(({ labels, start }) => ({ slices: labels, start }))).to('int64'),
        }),
      };
  }

  #gather(windows: readonly Window[]): Tensor {
    return gather(windows, this.#config).to({ device: this.#device });
  }

  [Symbol.dispose](): void {
    for (const value of this.#held) value.dispose();
  }
}

/** Where a window starts in its volume. */
interface Window {
  /** [n, h, w], images or labels */
  slices: Tensor;
  start: number;
}

interface LabelledWindow extends Window {
  /** uint8 [n, h, w] */
  labels: Tensor;
}

/** Windows of one size -> [windows, D, h, w]. */
function gather(windows: readonly Window[], { slices: depth }: WindowConfig): Tensor {
  return scope(() => {
    const taken = windows.flatMap(({ slices, start }) => {
      const last = slices.shape[0] - 1;
      return Array.from({ length: depth }, (_, i) => slices.select(0, Math.min(last, Math.max(0, start + i))));
    });
    const [h, w] = taken[0].shape;
    return stack(taken, 0).reshape(windows.length, depth, h, w);
  });
}

type Reduce = (x: Tensor, dims: number[], keepdim: boolean) => Tensor;
const amin = operator('aten::amin') as Reduce;
const amax = operator('aten::amax') as Reduce;

function scaled(windows: Tensor, { scaling }: WindowConfig): Tensor {
  if (scaling === 'volume') return windows;
  const [low, high] = [amin(windows, [1, 2, 3], true), amax(windows, [1, 2, 3], true)];
  return windows.sub(low).div(high.sub(low).add(1e-8)); // a constant window becomes 0
}
