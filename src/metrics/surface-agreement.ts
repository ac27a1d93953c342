/**
 * Surface Dice alone, without the distances that it does not need: whether an element of one surface has a corner of the
 * other within the tolerance takes a look at the few corners around it (definition: see surface-distances).
 */
import { inPieces, type Pausing } from '../core/index.js';
import { type Border, borderOf, boundingBox, cornerShape } from './border.js';
import { assertShape, assertSpacing } from './errors.js';
import { surfaceDistancesWithPauses } from './surface-distances.js';
import { surfaceDice } from './surface-measures.js';
import { surfelAreas } from './surfels.js';

type Triple = readonly [number, number, number];

/** Where more corners than these lie within the tolerance, distances are measured sooner than looked for. */
const MOST_CORNERS = 4096;

/**
 * The share of two surfaces that lies within a tolerance of the other: `surfaceDice` of their `surfaceDistances`, but for
 * rounding.
 *
 * @param first uint8 [z, y, x], non-zero = inside
 * @param second uint8 [z, y, x], likewise
 * @param shape [z, y, x]
 * @param spacing [z, y, x] in mm
 * @param toleranceMm in mm; an element exactly that far away is within
 * @returns in [0, 1]; 1 where both masks are empty
 * @throws GraftError MASK_SHAPE_MISMATCH, SPACING_INVALID
 */
export function* surfaceAgreement(
  first: Uint8Array,
  second: Uint8Array,
  shape: Triple,
  spacing: Triple,
  toleranceMm: number,
): Pausing<number> {
  assertShape(first, 'first mask', shape);
  assertShape(second, 'second mask', shape);
  assertSpacing(spacing);
  const box = Buffer.compare(first, second) === 0 ? undefined : yield* boundingBox(first, second, shape);
  if (box === undefined) return 1;
  if ((4 / 3) * Math.PI * toleranceMm ** 3 > MOST_CORNERS * spacing[0] * spacing[1] * spacing[2])
    return surfaceDice(yield* surfaceDistancesWithPauses(first, second, shape, spacing), toleranceMm);
  const there = yield* borderOf(first, shape, box);
  const back = yield* borderOf(second, shape, box);
  const around = cornersAround(cornerShape(box), spacing, toleranceMm);
  const areas = surfelAreas(spacing);
  const [one, other] = [yield* areasOf(there, back, around, areas), yield* areasOf(back, there, around, areas)];
  return (one.within + other.within) / (one.all + other.all);
}

/** The corners within a distance of one, the nearest first, on a grid with a margin that none of them leaves. */
interface Around {
  /** How much further in the grid each is. */
  offsets: Int32Array;
  /** Corners of the grid. */
  count: number;
  /** Where a corner of the box lies in the grid. */
  placeOf: (corner: number) => number;
}

function cornersAround([depth, height, width]: Triple, [stepZ, stepY, stepX]: Triple, distance: number): Around {
  // Rounded up, since the quotient may be a whole number that rounding made smaller.
  const [reachZ, reachY, reachX] = [stepZ, stepY, stepX].map((step) => Math.ceil(distance / step)) as [
    number,
    number,
    number,
  ];
  const row = width + 2 * reachX;
  const plane = row * (height + 2 * reachY);
  const corners: { offset: number; squared: number }[] = [];
  for (let z = -reachZ; z <= reachZ; z++)
    for (let y = -reachY; y <= reachY; y++)
      for (let x = -reachX; x <= reachX; x++) {
        const [alongZ, alongY, alongX] = [z * stepZ, y * stepY, x * stepX];
        const squared = alongZ * alongZ + alongY * alongY + alongX * alongX;
        if (Math.sqrt(squared) <= distance) corners.push({ offset: z * plane + y * row + x, squared });
      }
  corners.sort((a, b) => a.squared - b.squared);
  return {
    offsets: Int32Array.from(corners, ({ offset }) => offset),
    count: plane * (depth + 2 * reachZ),
    placeOf(corner) {
      const y = Math.floor(corner / width);
      const z = Math.floor(y / height);
      return (z + reachZ) * plane + (y - z * height + reachY) * row + (corner - y * width) + reachX;
    },
  };
}

/** The area of the elements of one surface, in mm²: of all, and of those that have a corner of the other near by. */
function* areasOf(
  { points, codes }: Border,
  other: Border,
  { offsets, count, placeOf }: Around,
  areaOfCode: Float64Array,
): Pausing<{ within: number; all: number }> {
  const marked = new Uint8Array(count);
  yield* inPieces(other.points.length, (from, to) => {
    for (let i = from; i < to; i++) marked[placeOf(other.points[i]!)] = 1;
  });
  // Elements are counted by their code, so that no order of adding matters.
  const [within, all] = [new Uint32Array(256), new Uint32Array(256)];
  yield* inPieces(points.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const place = placeOf(points[i]!);
      const code = codes[i]!;
      all[code]!++;
      for (let k = 0; k < offsets.length; k++)
        if (marked[place + offsets[k]!] === 1) {
          within[code]!++;
          break;
        }
    }
  });
  const area = (counts: Uint32Array) => counts.reduce((sum, elements, code) => sum + elements * areaOfCode[code]!, 0);
  return { within: area(within), all: area(all) };
}
