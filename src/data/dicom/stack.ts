/**
 * Whether the frames of a series are a regular stack of slices: along the normal of their plane (PS3.3 C.7.6.2.1.1) each
 * position is held by as many frames as every other (one for each volume), at even distances, straight above each other.
 */
import type { Triple } from '../orientation.js';
import type { Frame, Frames } from './frames.js';

export interface Stack {
  /** Positions along the normal; the slices of one volume. */
  slices: number;
  rows: number;
  columns: number;
  /** Of the plane, a unit vector in patient coordinates. */
  normal: Triple;
  /** Where along the normal the outermost slices lie, mm. */
  ends: [first: number, last: number];
  /** Distance of neighbours, mm: over all of them where they are even, else the median; undefined for a single slice. */
  spacing: number | undefined;
  faults: Fault[];
}

export type Fault =
  | { kind: 'duplicate'; count: number; expected: number; found: number }
  /** `count` frames or whole slices; `gap` says where the first is. */
  | { kind: 'missing'; count: number; gap: string }
  | { kind: 'uneven'; least: number; most: number }
  | { kind: 'tilt'; degrees: number }
  /** Pixels of several sizes, in mm, such as `0.5 x 0.5 mm`. */
  | { kind: 'pixels'; found: string[] };

/** Frames closer than this, in mm, share a position: rounding in headers, not anatomy. */
const samePlace = 0.01;
/**
 * Distances that differ by no more are even: scanners round positions to a tenth of a millimetre. dcm2niix interpolates
 * where they differ by more than 0.2 mm.
 */
export const evenness = (spacing: number) => Math.min(0.2, Math.max(0.1, 0.05 * spacing)) + 1e-6;
/** A lean that matters: over 100 mm it shifts by 0.9 mm. */
const straightDegrees = 0.5;

type PlacedFrame = Frame & { position: Triple; orientation: number[] } & Pick<Frames, 'rows' | 'columns'>;

/**
 * The stacks of a series: frames of one size that lie parallel. Localizers have several. Frames without a place are not
 * looked at.
 */
export function stacksOf(headers: readonly Frames[]): Stack[] {
  const placed = headers.flatMap(({ rows, columns, frames }) =>
    frames.flatMap(({ position, orientation, ...rest }) =>
      position && orientation ? [{ ...rest, position, orientation, rows, columns }] : [],
    ),
  );
  const groups: PlacedFrame[][] = [];
  for (const frame of placed) {
    const group = groups.find(
      ([first]) =>
        first.rows === frame.rows &&
        first.columns === frame.columns &&
        first.orientation.every((v, i) => Math.abs(v - frame.orientation[i]) < 1e-3),
    );
    if (group) group.push(frame);
    else groups.push([frame]);
  }
  return groups.map(stackOf);
}

/** The unit normal of a plane: row x column. */
export function normalOf([a, b, c, d, e, f]: readonly number[]): Triple {
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

const dot = (a: readonly number[], b: readonly number[]) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value - b[i]);

function stackOf(frames: PlacedFrame[]): Stack {
  const [{ orientation, rows, columns }] = frames;
  const normal = normalOf(orientation);
  const sorted = frames
    .map(({ position }) => ({ position, along: dot(position, normal) }))
    .sort((a, b) => a.along - b.along);
  const places: { position: Triple; along: number; count: number }[] = [];
  for (const { position, along } of sorted) {
    const last = places.at(-1);
    if (last && along - last.along < samePlace) last.count++;
    else places.push({ position, along, count: 1 });
  }
  const [first, last] = [places[0], places[places.length - 1]];
  const stack: Stack = {
    slices: places.length,
    rows,
    columns,
    normal,
    ends: [first.along, last.along],
    spacing: undefined,
    faults: [],
  };
  const sizes = pixelSizes(frames);
  if (sizes.length > 1) stack.faults.push({ kind: 'pixels', found: sizes });
  if (places.length === 1) return stack;

  const steps = places.slice(1).map(({ along }, i) => along - places[i].along);
  const uneven = stepFaults(places, steps, middle(steps));
  const faults = [...stack.faults, ...countFaults(places), ...uneven];
  const run = minus(last.position, first.position);
  const height = dot(run, normal);
  const lean = (Math.atan2(Math.sqrt(Math.max(0, dot(run, run) - height ** 2)), height) * 180) / Math.PI;
  if (lean > straightDegrees) faults.push({ kind: 'tilt', degrees: Number(lean.toFixed(1)) });
  return { ...stack, spacing: uneven.length > 0 ? middle(steps) : stepOf(stack), faults };
}

/** The distance of slices if all are at even ones, mm: rounding of single positions does not count in it. */
export const stepOf = ({ slices, ends: [first, last] }: Stack): number => (last - first) / (slices - 1);

/** The sizes of pixels, each once; such as differ by less than a thousandth are one. */
function pixelSizes(frames: readonly PlacedFrame[]): string[] {
  const found: number[][] = [];
  for (const { pixelSpacing } of frames) {
    const isKnown = (size: number[]) => size.every((mm, i) => Math.abs(mm / pixelSpacing![i] - 1) < 1e-3);
    if (pixelSpacing && !found.some(isKnown)) found.push(pixelSpacing);
  }
  return found.map((size) => `${size.join(' x ')} mm`);
}

/** What most positions hold is what each should; so one volume's missing slice is told from a slice too many. */
function countFaults(places: readonly { along: number; count: number }[]): Fault[] {
  const expected = middle(places.map(({ count }) => count));
  const over = places.filter(({ count }) => count > expected);
  const under = places.filter(({ count }) => count < expected);
  const surplus = over.reduce((sum, { count }) => sum + count - expected, 0);
  const lack = under.reduce((sum, { count }) => sum + expected - count, 0);
  const gap = () => `at ${under[0].along.toFixed(1)} mm, where ${under[0].count} of ${expected} volumes have a slice`;
  return [
    ...(over.length > 0 ? [{ kind: 'duplicate', count: surplus, expected, found: over[0].count } as const] : []),
    ...(under.length > 0 ? [{ kind: 'missing', count: lack, gap: gap() } as const] : []),
  ];
}

/** A gap of whole steps among even ones is missing slices; anything else is uneven spacing. */
function stepFaults(places: readonly { along: number }[], steps: readonly number[], spacing: number): Fault[] {
  const tolerance = evenness(spacing);
  const uneven = steps.filter((step) => Math.abs(step - spacing) > tolerance);
  const [first, last] = [places[0].along, places[places.length - 1].along];
  const step = (last - first) / steps.length;
  // Small differences may add up.
  if (uneven.length === 0 && places.every(({ along }, i) => Math.abs(along - first - i * step) <= tolerance)) return [];
  const isGap = (step: number) =>
    step > 1.5 * spacing && Math.abs(step - Math.round(step / spacing) * spacing) <= tolerance;
  // A few gaps are losses; spacing that changes for a good part of the stack was meant so.
  if (uneven.length > 0 && uneven.every(isGap) && uneven.length <= Math.max(1, steps.length / 10)) {
    const at = steps.findIndex(isGap);
    const [from, to] = [places[at].along, places[at + 1].along];
    return [
      {
        kind: 'missing',
        count: uneven.reduce((sum, step) => sum + Math.round(step / spacing) - 1, 0),
        gap: `from ${from.toFixed(1)} to ${to.toFixed(1)} mm, where slices are ${spacing.toFixed(2)} mm apart`,
      },
    ];
  }
  return [
    { kind: 'uneven', least: Number(Math.min(...steps).toFixed(2)), most: Number(Math.max(...steps).toFixed(2)) },
  ];
}

const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
