/**
 * Scaling of a volume's intensities by a rule that looks at the whole volume.
 *
 * Percentiles are NumPy's default (linear interpolation between the two nearest ranks), over all voxels.
 *
 * `histogram` gives every volume the same histogram above its mean, after Nyúl & Udupa (Magn Reson Med 1999, 42:1072), with
 * an even one as the standard instead of one learned: what a scanner or a sequence does to all brightnesses alike is undone.
 * A head's mean lies between air and tissue in T1, T2 and FLAIR.
 */
import { errorsOf } from '../../core/index.js';
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
export function scalingOf(data: Float32Array, intensity: Intensity, file: string): Scaling {
  const { low, high } = extremes(data);
  if (intensity.kind === 'window') return between(intensity.low, intensity.high, low);
  if (intensity.kind === 'fixed-z-score') return standardised(intensity, low);
  if (low === high) throw intensityError('VOLUME_CONSTANT', { file, measure: `every voxel is ${low}` });
  if (intensity.kind === 'min-max') return between(low, high, low);
  if (intensity.kind === 'z-score') {
    const { mean, deviation } = moments(data);
    return standardised({ low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, mean, deviation }, low);
  }
  if (intensity.kind === 'histogram') return piecewise(landmarksOf(data), levels, low);
  const [from, to] = percentiles(data, [intensity.low, intensity.high]);
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
function landmarksOf(data: Float32Array): number[] {
  const { mean } = moments(data);
  const [darkest] = percentiles(data, [1]);
  const above = data.filter((value) => value > mean);
  const quantiles = percentiles(
    above,
    shares.map((share) => 100 * share),
  );
  return [Math.min(darkest, mean), mean, ...quantiles];
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

function extremes(data: Float32Array) {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

function moments(data: Float32Array) {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i];
  const mean = sum / data.length;
  let squares = 0;
  for (let i = 0; i < data.length; i++) squares += (data[i] - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / data.length) };
}

/**
 * `numpy.percentile(data, q)` for each q in [0, 100]: exact, in a few passes, without a sorted copy.
 *
 * @param data float32, all finite, at least one
 */
export function percentiles(data: Float32Array, q: readonly number[]): number[] {
  const places = q.map((percent) => (percent / 100) * (data.length - 1));
  const ranks = places.flatMap((place) => [Math.floor(place), Math.ceil(place)]);
  const values = atRanks(data, ranks);
  return places.map((place, i) => values[2 * i] + (values[2 * i + 1] - values[2 * i]) * (place - Math.floor(place)));
}

/**
 * The values that a sorted copy would have at these indices, by radix selection: count the upper 16 bits of every
 * voxel, then the lower 16 of those that share the upper ones of the wanted rank.
 */
function atRanks(data: Float32Array, ranks: readonly number[]): number[] {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const upper = new Uint32Array(1 << 16);
  for (let i = 0; i < bits.length; i++) upper[key(bits[i]) >>> 16]++;
  const lowerOf = new Map<number, Uint32Array>();
  return ranks.map((rank) => {
    const high = find(upper, rank);
    let lower = lowerOf.get(high.bin);
    if (lower === undefined) {
      lower = new Uint32Array(1 << 16);
      for (let i = 0; i < bits.length; i++) {
        const k = key(bits[i]);
        if (k >>> 16 === high.bin) lower[k & 0xffff]++;
      }
      lowerOf.set(high.bin, lower);
    }
    const low = find(lower, high.within);
    return fromKey(((high.bin << 16) | low.bin) >>> 0);
  });
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
