/** The cases of a site together. */
import type { ImageFacts, LabelFacts } from './facts.js';
import { type Histogram, joinHistograms } from './histogram.js';

/** A case whose image could be read. */
export interface Inspected {
  site: string;
  name: string;
  image: ImageFacts;
  /** Absent where there is no label, or none that can be used. */
  label?: LabelFacts;
}

export interface ValueRange {
  least: number;
  median: number;
  greatest: number;
}

export interface SiteFacts {
  name: string;
  cases: number;
  labelled: number;
  /** [z, y, x] in mm */
  spacing: [ValueRange, ValueRange, ValueRange];
  /** Voxels [z, y, x]. */
  size: [ValueRange, ValueRange, ValueRange];
  /** How many cases are stored with these axes, the most frequent first. */
  axes: [code: string, cases: number][];
  units: ImageFacts['unit'][];
  /** Medians over the cases. */
  intensity: { p1: number; median: number; p99: number };
  histogram: Histogram;
  /** Of the labelled cases, in ml; a class that a case lacks counts as 0. */
  millilitres: Record<number, ValueRange>;
}

const bins = 24;

export function rangeOf(values: readonly number[]): ValueRange {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { least: sorted[0], median, greatest: sorted[sorted.length - 1] };
}

/** Sites in the order in which they come. */
export function siteFacts(cases: readonly Inspected[]): SiteFacts[] {
  return [...grouped(cases, ({ site }) => site)].map(([name, members]) => {
    const images = members.map(({ image }) => image);
    const labels = members.flatMap(({ label }) => label ?? []);
    const along = (key: 'spacing' | 'size') =>
      ([0, 1, 2] as const).map((axis) => rangeOf(images.map((image) => image[key][axis]))) as [
        ValueRange,
        ValueRange,
        ValueRange,
      ];
    const middle = (key: 'p1' | 'median' | 'p99') => rangeOf(images.map(({ intensity }) => intensity[key])).median;
    const classes = [...new Set(labels.flatMap(({ millilitres }) => Object.keys(millilitres).map(Number)))];
    return {
      name,
      cases: members.length,
      labelled: labels.length,
      spacing: along('spacing'),
      size: along('size'),
      axes: countedAxes(images),
      units: [...new Set(images.map(({ unit }) => unit))],
      intensity: { p1: middle('p1'), median: middle('median'), p99: middle('p99') },
      histogram: joinHistograms(
        images.map(({ histogram }) => histogram),
        bins,
      ),
      millilitres: Object.fromEntries(
        classes.map((value) => [value, rangeOf(labels.map(({ millilitres }) => millilitres[value] ?? 0))]),
      ),
    };
  });
}

function countedAxes(images: readonly ImageFacts[]): [string, number][] {
  const groups = [...grouped(images, ({ axes }) => axes)];
  return groups.map(([code, { length }]): [string, number] => [code, length]).sort(([, a], [, b]) => b - a);
}

/** What `Map.groupBy` does, which Node 20 lacks. */
export function grouped<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
