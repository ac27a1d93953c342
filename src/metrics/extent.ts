/**
 * Which slices of a case count for its score: all, or only those from the first to the last that the reference labels, as
 * in evaluations whose references cover a part of the scan.
 */
export const scoredExtents = ['all', 'labelled-extent'] as const;
export type ScoredExtent = (typeof scoredExtents)[number];

/** What tables say of it. */
export const extentTitles: Record<ScoredExtent, string> = {
  all: 'all slices',
  'labelled-extent': 'slices from the first to the last labelled one',
};

type Triple = [number, number, number];

/**
 * The first labelled slice and the one after the last; all slices where none is labelled.
 *
 * @param labels uint8 [z, y, x], non-zero = labelled
 * @param axis that the slices are across: 0, 1 or 2 of [z, y, x]
 */
export function labelledExtent(labels: Uint8Array, shape: Readonly<Triple>, axis: number): [from: number, to: number] {
  const size = shape[axis]!;
  const stride = strideOf(shape, axis);
  let [from, to] = [size, 0];
  for (let i = 0; i < labels.length; i += stride) {
    const at = (i / stride) % size;
    if ((at >= from && at < to) || labels.subarray(i, i + stride).every((label) => label === 0)) continue;
    from = Math.min(from, at);
    to = Math.max(to, at + 1);
  }
  return to === 0 ? [0, size] : [from, to];
}

/**
 * The slices from `from` to before `to`.
 *
 * @param values uint8 [z, y, x]
 * @returns uint8, of the shape with `to - from` along the axis
 */
export function cutAlong(
  values: Uint8Array,
  shape: Readonly<Triple>,
  axis: number,
  [from, to]: readonly [number, number],
): Uint8Array {
  const stride = strideOf(shape, axis);
  const [block, length] = [shape[axis]! * stride, (to - from) * stride];
  const kept = new Uint8Array((values.length / block) * length);
  for (let start = from * stride, at = 0; at < kept.length; start += block, at += length)
    kept.set(values.subarray(start, start + length), at);
  return kept;
}

/** Elements between neighbours along an axis. */
const strideOf = (shape: Readonly<Triple>, axis: number) =>
  shape.slice(axis + 1).reduce((product, size) => product * size, 1);
