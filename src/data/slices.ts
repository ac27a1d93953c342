/** Cases as tensors: prepared slices, and batches of them in an order that a seed fixes. */
import { type Pause, type Pausing, type Random, runWithoutPauses } from '../core/index.js';
import { cat, scope, stack, type Tensor, tensor } from '../torch/index.js';
import { type Case, type LoadedCase, loadCase, loadCaseWithPauses, preprocessingOf, viewsOf } from './dataset.js';
import {
  type Preprocessing,
  prepareLabelWithPauses,
  prepareVolumeWithPauses,
  type SliceGeometry,
  sliceSpacing,
} from './preprocess/index.js';
import { quantilesOf } from './profile/index.js';
import { ignored } from './volume.js';

/** What preparing a case gives. */
export interface PreparedCase {
  /** float32 [n, 1, h, w], prepared intensities */
  images: Float32Array;
  /** uint8 [n, h, w]; absent where the case has no label */
  labels?: Uint8Array;
  geometry: SliceGeometry;
  /** [slice distance, h, w] in mm */
  spacing: [number, number, number];
  /** `quantilesOf` the volume; absent where slices were kept by a graft that did not note them. */
  quantiles?: readonly number[];
}

/**
 * One case in one plane, ready for a network: `images` float32 [n, 1, h, w], and where the case has a label `labels` uint8 [n, h, w].
 * The code that loaded it disposes of `images`.
 */
export interface CaseSlices extends Omit<PreparedCase, 'images'> {
  case: Case;
  /** float32 [n, 1, h, w] on the CPU; perhaps a mapped file, so never to be changed in place */
  images: Tensor;
}

export interface LoadOptions {
  /** Number of classes with the background. */
  classes: number;
  /** false: labels are not even read, as for the targets of unsupervised adaptation */
  labels?: boolean;
}

/**
 * Reads and prepares one case, without the engine.
 * @throws GraftError naming the file that cannot be used
 */
export async function* prepareCase(
  one: Case,
  preprocessing: Preprocessing,
  options: LoadOptions,
): AsyncGenerator<Pause, PreparedCase> {
  return yield* prepareLoaded(one, yield* loadCaseWithPauses(wanted(one, options), options), preprocessing);
}

/** The case as it is to be read. */
function wanted(one: Case, { labels = true }: LoadOptions): Case {
  const { label: _, ...unlabelled } = one;
  return labels ? one : unlabelled;
}

/** Prepares a case that was read. */
export function* prepareLoaded(
  one: Case,
  { image, label }: LoadedCase,
  preprocessing: Preprocessing,
): Pausing<PreparedCase> {
  const own = preprocessingOf(one, preprocessing);
  const { slices, geometry } = yield* prepareVolumeWithPauses(image, own);
  return {
    images: slices,
    geometry,
    spacing: sliceSpacing(image.spacing, geometry),
    quantiles: quantilesOf(image.data),
    ...(label && { labels: yield* prepareLabelWithPauses(label, geometry) }),
  };
}

/** A prepared case as tensors, which borrow its arrays. */
export function toSlices(one: Case, { images, ...prepared }: PreparedCase): CaseSlices {
  const [n, h, w] = prepared.geometry.shape;
  return { case: one, images: tensor(images, [n, 1, h, w], { device: 'cpu', copy: false }), ...prepared };
}

/**
 * Reads and prepares cases, which then lie in memory; `cachedSlices` keeps them in files.
 *
 * @param options.classes number of classes with the background
 * @param options.labels false: labels are not even read
 * @returns for each case float32 [n, 1, h, w] on the CPU, in the cases' order, with slices of all planes one for each plane;
 * the caller disposes of them
 * @throws GraftError naming the file that cannot be used
 */
export const loadSlices = (cases: readonly Case[], preprocessing: Preprocessing, options: LoadOptions): CaseSlices[] =>
  cases.flatMap((one) => {
    const loaded = loadCase(wanted(one, options), options);
    return viewsOf(one, preprocessing).map((view) => toSlices(one, runWithoutPauses(prepareLoaded(one, loaded, view))));
  });

/** `loadSlices` as work that can be interrupted. */
export async function* loadSlicesWithPauses(
  cases: readonly Case[],
  preprocessing: Preprocessing,
  options: LoadOptions,
): AsyncGenerator<Pause, CaseSlices[]> {
  const slices: CaseSlices[] = [];
  for (const one of cases)
    for (const view of viewsOf(one, preprocessing)) slices.push(toSlices(one, yield* prepareCase(one, view, options)));
  return slices;
}

/** Slices by their case: of all planes, those of one case together. @param slices as `loadSlices` gives them */
export function byCase(slices: readonly CaseSlices[]): CaseSlices[][] {
  const groups = new Map<Case, CaseSlices[]>();
  for (const one of slices) groups.set(one.case, [...(groups.get(one.case) ?? []), one]);
  return [...groups.values()];
}

/** One slice of a case. */
interface Place {
  /** float32 [n, 1, h, w] */
  images: Tensor;
  /** uint8 [n, h, w] */
  labels?: Tensor;
  slice: number;
}

/** Slices of one size. */
export interface SliceBatch {
  /** The tensors, to be called inside a scope: float32 [B, 1, h, w], uint8 [B, h, w]. */
  take: () => { images: Tensor; labels?: Tensor };
  /**
   * How much it counts in a mean over the whole set, by which every size has the share of its pixels. Batches of one size
   * count alike; 1 where all slices have one size.
   */
  weight: number;
}

/**
 * Slices that training draws from; those of one size stand together, so that they fit one batch. The cases' own memory is
 * drawn from: a pool holds batches, not copies of the set.
 */
export class SlicePool implements Disposable {
  readonly #groups: Place[][] = [];
  readonly #held: Tensor[] = [];
  readonly #device: string;
  /** Number of slices. */
  readonly size: number;

  /**
   * @param cases whose tensors may be disposed afterwards; all labelled or none
   * @param options.device where batches are wanted
   */
  constructor(cases: readonly CaseSlices[], { device = 'cpu' } = {}) {
    this.#device = device;
    const bySize = new Map<string, CaseSlices[]>();
    for (const one of cases) {
      const size = one.images.shape.slice(1).join();
      bySize.set(size, [...(bySize.get(size) ?? []), one]);
    }
    for (const group of bySize.values()) {
      const labelled = group.every((one) => one.labels);
      this.#groups.push(group.flatMap((one) => this.#places(one, labelled)));
    }
    this.size = this.#groups.reduce((sum, places) => sum + places.length, 0);
  }

  #places(one: CaseSlices, labelled: boolean): Place[] {
    const held = { images: one.images.detach().keep(), ...(labelled && { labels: labelTensor(one).keep() }) };
    this.#held.push(held.images, ...(held.labels ? [held.labels] : []));
    return Array.from({ length: one.images.shape[0] }, (_, slice) => ({ ...held, slice }));
  }

  /** One pass over all slices in random order. */
  *epoch(batchSize: number, random: Random): Generator<SliceBatch> {
    const batches = this.#groups.flatMap((places) => {
      const order = random.shuffle(places);
      const weight = this.#weight(places, batchSize);
      return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, i) => ({
        places: order.slice(i * batchSize, (i + 1) * batchSize),
        weight,
      }));
    });
    for (const { places, weight } of random.shuffle(batches)) yield { take: () => this.#take(places), weight };
  }

  /** Pixels of one size for each of its batches, relative to those of the first size. */
  #weight(places: readonly Place[], batchSize: number): number {
    const pixels = ([{ images }]: readonly Place[]) => images.shape[2] * images.shape[3];
    const [first] = this.#groups;
    const relative = (group: readonly Place[]) => (pixels(group) * group.length) / Math.ceil(group.length / batchSize);
    return relative(places) / relative(first);
  }

  #take(places: readonly Place[]): { images: Tensor; labels?: Tensor } {
    const gather = (parts: (Tensor | undefined)[]) =>
      scope(() => cat(parts.map((part, i) => part!.narrow(0, places[i].slice, 1))).to({ device: this.#device }));
    return {
      images: gather(places.map(({ images }) => images)), // [B, 1, h, w]
      ...(places[0].labels && { labels: gather(places.map(({ labels }) => labels)) }), // [B, h, w]
    };
  }

  /** Batches of an epoch. */
  batches(batchSize: number): number {
    return this.#groups.reduce((sum, places) => sum + Math.ceil(places.length / batchSize), 0);
  }

  [Symbol.dispose](): void {
    for (const value of this.#held) value.dispose();
  }
}

/** The case's labels, borrowed: uint8 [n, h, w]. */
export function labelTensor({ images, labels }: CaseSlices): Tensor {
  const [n, , h, w] = images.shape;
  return tensor(labels!, [n, h, w], { device: 'cpu', copy: false });
}

/**
 * Where labels count: uint8 [B, h, w] -> float32 [B, 1, h, w], 0 at ignored pixels; undefined where there are none, so
 * that sets without such labels pay nothing for them.
 */
export function countedMap(labels: Tensor): Tensor | undefined {
  const uncounted = labels.eq(ignored).unsqueeze(1).to('float32');
  return uncounted.sum().item() === 0 ? undefined : uncounted.neg().add(1);
}

/** Labels as one map for each foreground class: uint8 [B, h, w] -> float32 [B, classes - 1, h, w]. */
export const foregroundMaps = (labels: Tensor, classes: number): Tensor =>
  stack(
    Array.from({ length: classes - 1 }, (_, i) => labels.eq(i + 1)),
    1,
  ).to('float32');
