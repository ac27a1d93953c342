/** Pictures for a report: which cases to show, and a slice of a volume as it is displayed. */
import type { Label, Volume } from '../data/index.js';
import type { ReportSlice } from './report/index.js';

/** The best, the median and the worst of cases that are sorted, the best first; each once. */
export function bestMedianWorst<Scored>(
  sorted: readonly Scored[],
): { which: 'best' | 'median' | 'worst'; one: Scored }[] {
  const places = [
    ['best', 0],
    ['median', Math.floor((sorted.length - 1) / 2)],
    ['worst', sorted.length - 1],
  ] as const;
  return places
    .filter(([, place], i) => place >= 0 && places.findIndex(([, other]) => other === place) === i)
    .map(([which, place]) => ({ which, one: sorted[place] }));
}

/** The axial slice with most truth, as radiologists see it: row 0 anterior, column 0 the patient's right. */
export function display(image: Volume, label: Label, masks: Omit<ReportSlice['masks'], 'truth'>): ReportSlice {
  const [z, y, x] = image.shape;
  const area = (slice: number) =>
    label.data.subarray(slice * y * x, (slice + 1) * y * x).reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0);
  const areas = Array.from({ length: z }, (_, slice) => area(slice));
  const start = areas.indexOf(Math.max(...areas)) * y * x;
  const turned = <A extends Uint8Array | Float32Array>(data: A) => data.slice(start, start + y * x).reverse() as A;
  const grey = turned(image.data);
  const sorted = Float32Array.from(grey).sort();
  const [low, high] = [sorted[Math.floor(sorted.length * 0.01)], sorted[Math.floor(sorted.length * 0.995)]];
  const shown = Object.entries(masks).map(([key, mask]) => [key, turned(mask)] as const);
  return {
    width: x,
    height: y,
    pixelSpacing: [image.spacing[1], image.spacing[2]],
    image: Uint8Array.from(grey, (value) => Math.max(0, Math.min(255, (255 * (value - low)) / (high - low || 1)))),
    masks: { truth: turned(label.data), ...Object.fromEntries(shown) },
  };
}
