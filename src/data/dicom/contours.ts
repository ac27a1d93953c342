/**
 * The outlines of a binary slice as closed polygons along the edges of pixels, so that they enclose the very area of the mask
 * and every pixel's centre lies on its own side.
 *
 * Pixels that touch at a corner alone are in polygons of their own. A hole is joined to what surrounds it by a channel without
 * width, as PS3.3 C.8.8.6.3 asks of closed planar contours.
 */

/** A corner between pixels, (row, column): pixel (r, c) has the corners (r, c) to (r + 1, c + 1). */
export type Corner = readonly [row: number, column: number];

/** Ways to go on from an edge: right, down, left, up, each with the step it makes. */
const steps: readonly Corner[] = [
  [0, 1],
  [1, 0],
  [0, -1],
  [-1, 0],
];

/** Where in a pixel a channel lies, between its upper edge and its centre. */
const channel = 0.25;

/**
 * @param isInside whether pixel (row, column) belongs to the mask; asked of pixels within rows and columns alone
 * @returns polygons without their first corner at the end; the mask lies to the right of their direction
 */
export function contoursOf(
  rows: number,
  columns: number,
  isInside: (row: number, column: number) => boolean,
): Corner[][] {
  const inside = (r: number, c: number) => r >= 0 && r < rows && c >= 0 && c < columns && isInside(r, c);
  const rings = ringsOf(rows, columns, inside);
  const outer = rings.filter((ring) => area(ring) > 0);
  // What a hole meets to its left is an outline, or a hole that is joined to one already.
  const holes = rings.filter((ring) => area(ring) < 0).map((ring) => ({ ring, column: leftmost(ring) }));
  for (const { ring, column } of holes.sort((a, b) => a.column - b.column)) join(ring, column, outer, inside);
  return outer.map(withoutStraight);
}

const leftmost = (ring: readonly Corner[]) =>
  ring.reduce((least, [, c]) => Math.min(least, c), Number.POSITIVE_INFINITY);

/** Follows the edges between the mask and what is outside; the first step of each polygon goes along a pixel's upper edge. */
function ringsOf(rows: number, columns: number, inside: (r: number, c: number) => boolean): Corner[][] {
  const seen = new Uint8Array((rows + 1) * (columns + 1));
  const rings: Corner[][] = [];
  for (let r = 0; r <= rows; r++)
    for (let c = 0; c < columns; c++) {
      if (!inside(r, c) || inside(r - 1, c) || seen[r * (columns + 1) + c]) continue;
      const ring: Corner[] = [];
      let [row, column, way] = [r, c, 0];
      do {
        if (way === 0) seen[row * (columns + 1) + column] = 1;
        ring.push([row, column]);
        row += steps[way][0];
        column += steps[way][1];
        // The pixels ahead, to the right and to the left of the way.
        const ahead = (side: 0 | 1) => {
          const [dr, dc] = [
            [0, 0],
            [0, -1],
            [-1, -1],
            [-1, 0],
          ][(way + side + 3) % 4];
          return inside(row + dr, column + dc);
        };
        // Turning right first keeps pixels apart that touch at a corner.
        if (!ahead(1)) way = (way + 1) % 4;
        else if (ahead(0)) way = (way + 3) % 4;
      } while (row !== r || column !== c || way !== 0);
      rings.push(ring);
    }
  return rings;
}

/** Twice the area; positive where the mask lies inside, negative for a hole. */
function area(ring: readonly Corner[]): number {
  return ring.reduce((sum, [r, c], i) => {
    const [nextRow, nextColumn] = ring[(i + 1) % ring.length];
    return sum + c * nextRow - nextColumn * r;
  }, 0);
}

/** Joins a hole, whose leftmost corners lie in a column, to the polygon that it meets to the left, in that one's place. */
function join(
  hole: readonly Corner[],
  column: number,
  outer: Corner[][],
  inside: (r: number, c: number) => boolean,
): void {
  const at = hole.findIndex(([, c], i) => c === column && hole[(i + 1) % hole.length][1] === column);
  const row = Math.min(hole[at][0], hole[(at + 1) % hole.length][0]);
  let met = column;
  while (inside(row, met - 1)) met--;
  const crosses = (ring: readonly Corner[], i: number) => {
    const [[r, c], [next, nextColumn]] = [ring[i], ring[(i + 1) % ring.length]];
    return c === met && nextColumn === met && Math.min(r, next) <= row && row + 1 <= Math.max(r, next);
  };
  for (const [o, ring] of outer.entries()) {
    const edge = ring.findIndex((_, i) => crosses(ring, i));
    if (edge < 0) continue;
    const [here, there]: [Corner, Corner] = [
      [row + channel, met],
      [row + channel, column],
    ];
    const around = [...hole.slice(at + 1), ...hole.slice(0, at + 1)];
    outer[o] = [...ring.slice(0, edge + 1), here, there, ...around, there, here, ...ring.slice(edge + 1)];
    return;
  }
}

/** Corners at which the way goes straight on are left out. */
const withoutStraight = (ring: readonly Corner[]): Corner[] =>
  ring.filter(([r, c], i) => {
    const [before, after] = [ring.at(i - 1)!, ring[(i + 1) % ring.length]];
    const [dr, dc, er, ec] = [r - before[0], c - before[1], after[0] - r, after[1] - c];
    return dr * ec !== dc * er || dr * er + dc * ec < 0;
  });
