/**
 * References that stop where the structure seems to go on: the mask's last slice is nearly as large as the one before, wide,
 * and has tissue behind it. Anatomy tapers over the last slices, and a mask that the field of view ends is whole.
 *
 * The thresholds are rules of thumb, set so that hand-drawn masks of small structures, which may end bluntly, are silent.
 */
import { percentiles } from '../preprocess/intensity.js';
import { ignored, type Label, type Volume } from '../volume.js';

/** The last slice against the mask's largest, and against the one before it. */
const shareOfLargest = 0.15;
const shareOfNeighbour = 0.75;
/** The last slice is this many times as wide as slices are apart. */
const slicesWide = 10;
/** How bright the slice behind is above air, under the mask, against the mask's last slice. */
const shareOfTissue = 0.5;

export interface CutEnd {
  side: (typeof sides)[number][number];
  /** Of the last slice. */
  areaCm2: number;
}

/** Where axes of [z, y, x] begin and end in RAS. */
const sides = [
  ['inferior', 'superior'],
  ['posterior', 'anterior'],
  ['left', 'right'],
] as const;

/** @param label on the image's grid; its classes count together */
export function cutEnds(
  { data, shape, spacing }: Pick<Volume, 'data' | 'shape' | 'spacing'>,
  label: Pick<Label, 'data' | 'hasIgnored'>,
): CutEnd[] {
  const strides = [shape[1] * shape[2], shape[2], 1];
  const placeOn = (axis: number, i: number) => Math.floor(i / strides[axis]) % shape[axis];
  const inside = (i: number) => label.data[i] > 0 && !(label.hasIgnored && label.data[i] === ignored);
  const areas = shape.map((size) => new Float64Array(size));
  for (let i = 0; i < data.length; i++) if (inside(i)) for (const axis of [0, 1, 2]) areas[axis][placeOn(axis, i)]++;
  let air: number | undefined;
  return areas.flatMap((counts, axis) => {
    const pixel = (spacing[0] * spacing[1] * spacing[2]) / spacing[axis];
    const largest = counts.reduce((a, b) => Math.max(a, b), 0);
    const ends = [counts.findIndex((count) => count > 0), counts.findLastIndex((count) => count > 0)];
    return ends.flatMap((end, side): CutEnd[] => {
      const step = side === 0 ? -1 : 1;
      const blunt =
        end + step >= 0 &&
        end + step < shape[axis] &&
        counts[end] >= shareOfLargest * largest &&
        counts[end] >= shareOfNeighbour * (counts[end - step] ?? Number.POSITIVE_INFINITY) &&
        Math.sqrt(counts[end] * pixel) >= slicesWide * spacing[axis];
      if (largest === 0 || !blunt) return [];
      air ??= percentiles(data, [1])[0];
      let [last, behind] = [0, 0];
      for (let i = 0; i < data.length; i++)
        if (placeOn(axis, i) === end && inside(i)) {
          last += data[i] - air;
          behind += data[i + step * strides[axis]] - air;
        }
      return behind >= shareOfTissue * last ? [{ side: sides[axis][side], areaCm2: (counts[end] * pixel) / 100 }] : [];
    });
  });
}
