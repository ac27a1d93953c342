/**
 * Scaling of a volume's intensities by a rule that looks at the whole volume.
 *
 * Percentiles are NumPy's default (linear interpolation between the two nearest ranks), over all voxels.
 *
 * `histogram` gives every volume the same histogram above its mean, after Nyúl & Udupa (Magn Reson Med 1999, 42:1072), with
 * an even one as the standard instead of one learned: what a scanner or a sequence does to all brightnesses alike is undone.
 * A head's mean lies between air and tissue in T1, T2 and FLAIR.
 */
import { errorsOf, inPieces, type Pausing, runWithoutPauses } from '../../core/index.js';
import { datasetErrors } from '../dataset-errors.js';
import type { Intensity } from './schema.js';

const intensityError = errorsOf(datasetErrors);

export interface Scaling {
  scale(value: number): number;
  /** What the volume's least voxel becomes; padding takes it, as it is background in every modality. */
  floor: number;
}

/**
 * The scaling of one volume.
 *
 * @param data float32, all finite
 * @param file is named in errors
 * @throws GraftError VOLUME_CONSTANT where the rule has nothing to divide by
 */
export function* scalingOf(data: Float32Array, intensity: Intensity, file: string): Pausing<Scaling> {
  const { low, high } = yield* extremes(data);
  if (intensity.kind === 'window') return between(intensity.low, intensity.high, low);
  if (intensity.kind === 'fixed-z-score') return standardised(intensity, low);
  if (low === high) throw intensityError('VOLUME_CONSTANT', { file, measure: `every voxel is ${low}` });
  if (intensity.kind === 'min-max') return between(low, high, low);
  if (intensity.kind === 'z-score') {
    const { mean, deviation } = yield* moments(data);
    return standardised({ low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, mean, deviation }, low);
  }
  if (intensity.kind === 'histogram') return piecewise(yield* landmarksOf(data), levels, low);
  const [from, to] = yield* percentilesWithPauses(data, [intensity.low, intensity.high]);
  if (from === to) {
    const measure = `its percentiles ${intensity.low} and ${intensity.high} are both ${from}`;
    throw intensityError('VOLUME_CONSTANT', { file, measure });
  }
  return between(from, to, low);
}

/**
 * `value` becomes `(value - offset) / divisor`, clipped to `least` and `greatest`.
 * @param voxel the volume's least
 */
function linear(offset: number, divisor: number, least: number, greatest: number, voxel: number): Scaling {
  const scale = (value: number) => Math.min(greatest, Math.max(least, (value - offset) / divisor));
  return { scale, floor: scale(voxel) };
}

const between = (low: number, high: number, voxel: number) => linear(low, high - low, 0, 1, voxel);

function standardised(
  { low, high, mean, deviation }: Record<'low' | 'high' | 'mean' | 'deviation', number>,
  voxel: number,
): Scaling {
  const place = (value: number) => (value - mean) / deviation;
  return linear(mean, deviation, place(low), place(high), voxel);
}

/** Shares of the voxels above the mean, and what all landmarks become: the darkest 0, the mean 0.15, the brightest 1. */
const shares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99];
const levels = [0, 0.15, ...shares.slice(0, -1).map((share) => 0.15 + 0.85 * share), 1];

/** Ascending values, some of which may be equal: the first percentile, the mean, and the quantiles of what is above. */
function* landmarksOf(data: Float32Array): Pausing<number[]> {
  const { mean } = yield* moments(data);
  const [darkest] = yield* percentilesWithPauses(data, [1]);
  const above = yield* valuesAbove(data, mean);
  const quantiles = yield* percentilesWithPauses(
    above,
    shares.map((share) => 100 * share),
  );
  return [Math.min(darkest, mean), mean, ...quantiles];
}

/** In one array of its size: `filter` would gather them in a list of objects first. */
function* valuesAbove(data: Float32Array, least: number): Pausing<Float32Array> {
  let count = 0;
  yield* inPieces(data.length, (from, to) => {
    for (let i = from; i < to; i++) if (data[i] > least) count++;
  });
  const above = new Float32Array(count);
  let filled = 0;
  yield* inPieces(data.length, (from, to) => {
    for (let i = from; i < to; i++) if (data[i] > least) above[filled++] = data[i];
  });
  return above;
}

/**
 * Linear between landmarks, clipped beyond them.
 * @param from ascending; of equal ones the last counts
 */
function piecewise(from: readonly number[], to: readonly number[], voxel: number): Scaling {
  const last = from.length - 1;
  const scale = (value: number) => {
    if (value < from[0]) return to[0];
    let k = last;
    while (value < from[k]) k--;
    return k === last ? to[last] : to[k] + ((value - from[k]) / (from[k + 1] - from[k])) * (to[k + 1] - to[k]);
  };
  return { scale, floor: scale(voxel) };
}

function* extremes(data: Float32Array): Pausing<{ low: number; high: number }> {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  yield* inPieces(data.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const value = data[i];
      if (value < low) low = value;
      if (value > high) high = value;
    }
  });
  return { low, high };
}

function* moments(data: Float32Array): Pausing<{ mean: number; deviation: number }> {
  let sum = 0;
  yield* inPieces(data.length, (from, to) => {
    for (let i = from; i < to; i++) sum += data[i];
  });
  const mean = sum / data.length;
  let squares = 0;
  yield* inPieces(data.length, (from, to) => {
    for (let i = from; i < to; i++) squares += (data[i] - mean) ** 2;
  });
  return { mean, deviation: Math.sqrt(squares / data.length) };
}

/**
 * `numpy.percentile(data, q)` for each q in [0, 100]: exact, in a few passes, without a sorted copy.
 *
 * @param data float32, all finite, at least one
 */
export const percentiles = (data: Float32Array, q: readonly number[]): number[] =>
  runWithoutPauses(percentilesWithPauses(data, q));

function* percentilesWithPauses(data: Float32Array, q: readonly number[]): Pausing<number[]> {
  const places = q.map((percent) => (percent / 100) * (data.length - 1));
  const ranks = places.flatMap((place) => [Math.floor(place), Math.ceil(place)]);
  const values = yield* atRanks(data, ranks);
  return places.map((place, i) => values[2 * i] + (values[2 * i + 1] - values[2 * i]) * (place - Math.floor(place)));
}

/**
 * The values that a sorted copy would have at these indices, by radix selection: count the upper 16 bits of every
 * voxel, then the lower 16 of those that share the upper ones of the wanted rank.
 */
function* atRanks(data: Float32Array, ranks: readonly number[]): Pausing<number[]> {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const upper = new Uint32Array(1 << 16);
  yield* inPieces(bits.length, (from, to) => {
    for (let i = from; i < to; i++) upper[key(bits[i]) >>> 16]++;
  });
  const lowerOf = new Map<number, Uint32Array>();
  const values: number[] = [];
  for (const rank of ranks) {
    const high = find(upper, rank);
    const lower = lowerOf.get(high.bin) ?? (yield* countLower(bits, high.bin));
    lowerOf.set(high.bin, lower);
    const low = find(lower, high.within);
    values.push(fromKey(((high.bin << 16) | low.bin) >>> 0));
  }
  return values;
}

/** The lower 16 bits of the voxels that have these upper ones. */
function* countLower(bits: Int32Array, bin: number): Pausing<Uint32Array> {
  const lower = new Uint32Array(1 << 16);
  yield* inPieces(bits.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const k = key(bits[i]);
      if (k >>> 16 === bin) lower[k & 0xffff]++;
    }
  });
  return lower;
}

/** IEEE 754 bits as an unsigned number in the order of the floats: negative ones inverted, positive ones above them. */
const key = (bits: number) => (bits ^ ((bits >> 31) | 0x80000000)) >>> 0;

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);
function fromKey(k: number): number {
  word[0] = k & 0x80000000 ? k ^ 0x80000000 : ~k;
  return float[0];
}

/** The bin that holds the rank, and the rank within it. */
function find(counts: Uint32Array, rank: number) {
  let bin = 0;
  let within = rank;
  while (within >= counts[bin]) within -= counts[bin++];
  return { bin, within };
}
