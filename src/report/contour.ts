/**
 * The outline of a binary mask: closed loops along pixel edges, and an SVG path through the edges' middles.
 *
 * The loops enclose exactly the mask's pixels. The path joins the middles of their unit edges, as marching squares at
 * level 1/2 do: staircases become straight lines, and no point is further than half a pixel from a true edge.
 */

/** Corners of pixels; the last joins the first. */
export type Loop = [x: number, y: number][];

// Directions clockwise on the screen (y points down): right, down, left, up.
const steps: [x: number, y: number][] = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
];

/**
 * The loops around the mask, one point for each unit edge: outer ones clockwise on the screen, holes counterclockwise,
 * so that the sum of their signed areas is the number of the mask's pixels. Pixels that touch at a corner only are apart.
 *
 * @param mask uint8 [height, width], 0 outside
 */
export function traceMask(mask: Uint8Array, width: number, height: number): Loop[] {
  const inside = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  // The pixel at the right hand (and left hand) of somebody who leaves corner (x, y) in a direction.
  const rightOf = (x: number, y: number, d: number) => inside(d === 1 || d === 2 ? x - 1 : x, d >= 2 ? y - 1 : y);
  const leftOf = (x: number, y: number, d: number) => rightOf(x, y, (d + 3) % 4);
  const isEdge = (x: number, y: number, d: number) => rightOf(x, y, d) && !leftOf(x, y, d);

  const seen = new Uint8Array((width + 1) * (height + 1)); // edges to the right that a loop has taken, by first corner
  const loops: Loop[] = [];
  // Every loop has an edge to the right: start from those.
  for (let startY = 0; startY <= height; startY++) {
    for (let startX = 0; startX < width; startX++) {
      if (seen[startY * (width + 1) + startX] || !isEdge(startX, startY, 0)) continue;
      const loop: Loop = [];
      let [x, y, d] = [startX, startY, 0];
      do {
        if (d === 0) seen[y * (width + 1) + x] = 1;
        loop.push([x, y]);
        x += steps[d]![0];
        y += steps[d]![1];
        // Turning right first keeps to the pixel at hand where two meet at a corner.
        d = [d + 1, d, d + 3].map((turn) => turn % 4).find((turn) => isEdge(x, y, turn))!;
      } while (x !== startX || y !== startY || d !== 0);
      loops.push(loop);
    }
  }
  return loops;
}

/**
 * The loops as the `d` of an SVG path through the edges' middles, in **half** pixels, so that all numbers are whole
 * (draw it under `scale(0.5)`). Empty for an empty mask.
 */
export function contourPath(loops: Loop[]): string {
  return loops
    .map((loop) => {
      const middles = loop.map(([x, y], i) => {
        const [nextX, nextY] = loop[(i + 1) % loop.length]!;
        return [x + nextX, y + nextY] as const;
      });
      const [first] = middles;
      let path = `M${first![0]} ${first![1]}`;
      let [runX, runY] = [0, 0];
      for (let i = 1; i < middles.length; i++) {
        const [dx, dy] = [middles[i]![0] - middles[i - 1]![0], middles[i]![1] - middles[i - 1]![1]];
        // Steps have length 2 or sqrt(2) in one of eight directions: equal direction means a longer line.
        if (Math.sign(dx) !== Math.sign(runX) || Math.sign(dy) !== Math.sign(runY)) {
          if (runX || runY) path += `l${runX} ${runY}`;
          [runX, runY] = [0, 0];
        }
        runX += dx;
        runY += dy;
      }
      return `${path}${runX || runY ? `l${runX} ${runY}` : ''}z`;
    })
    .join('');
}
