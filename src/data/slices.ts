/** Cases as tensors: prepared slices, and batches of them in an order that a seed fixes. */
import type { Random } from '../core/index.js';
import { cat, stack, type Tensor, tensor } from '../torch/index.js';
import { type Case, loadCase } from './dataset.js';
import { type Preprocessing, prepareLabel, prepareVolume, type SliceGeometry } from './preprocess/index.js';

/** One case, ready for a network. */
export interface CaseSlices {
  case: Case;
  /** float32 [n, 1, h, w], prepared intensities */
  images: Tensor;
  /** uint8 [n, h, w]; absent where the case has no label */
  labels?: Uint8Array;
  geometry: SliceGeometry;
  /** [slice distance, h, w] in mm */
  spacing: [number, number, number];
}

/**
 * Reads and prepares cases.
 *
 * @param classes number of classes with the background
 * @param options.labels false: labels are not even read, as for the targets of unsupervised adaptation
 * @throws GraftError naming the file that cannot be used
 */
export function loadSlices(
  cases: readonly Case[],
  preprocessing: Preprocessing,
  { classes, labels = true, device = 'cpu' }: { classes: number; labels?: boolean; device?: string },
): CaseSlices[] {
  return cases.map((one) => {
    const { label: _, ...unlabelled } = one;
    const { image, label } = loadCase(labels ? one : unlabelled, { classes });
    const { slices, shape, geometry } = prepareVolume(image, preprocessing);
    const [n, h, w] = shape;
    const distance = image.spacing[{ axial: 0, coronal: 1, sagittal: 2 }[geometry.axis]];
    return {
      case: one,
      images: tensor(slices, [n, 1, h, w], { device }),
      geometry,
      spacing: [distance, ...geometry.spacing],
      ...(label && { labels: prepareLabel(label, preprocessing) }),
    };
  });
}

/** Slices that training draws from; images of one size stand together, so that they fit one batch. */
export class SlicePool implements Disposable {
  readonly #groups: { images: Tensor; labels?: Tensor }[] = [];
  /** Number of slices. */
  readonly size: number;

  /** @param cases whose tensors may be freed afterwards; all labelled or none */
  constructor(cases: readonly CaseSlices[]) {
    const bySize = new Map<string, CaseSlices[]>();
    for (const one of cases) {
      const size = one.images.shape.slice(1).join();
      bySize.set(size, [...(bySize.get(size) ?? []), one]);
    }
    for (const group of bySize.values()) {
      const images = cat(group.map((one) => one.images)).keep(); // [N, 1, h, w]
      const labelled = group.every((one) => one.labels);
      this.#groups.push({
        images,
        ...(labelled && { labels: cat(group.map((one) => labelTensor(one))).keep() }), // [N, h, w]
      });
    }
    this.size = this.#groups.reduce((sum, { images }) => sum + images.shape[0], 0);
  }

  /** One pass over all slices in random order. Call `take` for a batch's tensors inside a scope. */
  *epoch(batchSize: number, random: Random): Generator<{ take: () => { images: Tensor; labels?: Tensor } }> {
    const batches = this.#groups.flatMap((group) => {
      const order = random.shuffle(Array.from({ length: group.images.shape[0] }, (_, i) => i));
      const chunks = Array.from({ length: Math.ceil(order.length / batchSize) }, (_, i) =>
        order.slice(i * batchSize, (i + 1) * batchSize),
      );
      return chunks.map((chunk) => ({ group, chunk }));
    });
    for (const { group, chunk } of random.shuffle(batches))
      yield {
        take: () => {
          const index = tensor(BigInt64Array.from(chunk, BigInt), [chunk.length], { device: group.images.device });
          return {
            images: group.images.indexSelect(0, index), // [B, 1, h, w]
            ...(group.labels && { labels: group.labels.indexSelect(0, index) }), // [B, h, w]
          };
        },
      };
  }

  /** Batches of an epoch. */
  batches(batchSize: number): number {
    return this.#groups.reduce((sum, { images }) => sum + Math.ceil(images.shape[0] / batchSize), 0);
  }

  [Symbol.dispose](): void {
    for (const { images, labels } of this.#groups) {
      images.dispose();
      labels?.dispose();
    }
  }
}

function labelTensor({ images, labels }: CaseSlices): Tensor {
  const [n, , h, w] = images.shape;
  return tensor(labels!, [n, h, w], { device: images.device });
}

/** Labels as one map for each foreground class: uint8 [B, h, w] -> float32 [B, classes - 1, h, w]. */
export const foregroundMaps = (labels: Tensor, classes: number): Tensor =>
  stack(
    Array.from({ length: classes - 1 }, (_, i) => labels.eq(i + 1)),
    1,
  ).to('float32');
