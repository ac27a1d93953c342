/**
 * How much surface lies between the eight voxels that meet at a corner, in mm².
 *
 * Marching cubes (Lorensen & Cline, 1987) with every vertex in the middle of a cube edge. A neighbourhood code has bit
 * 4z + 2y + x set when the voxel at that corner of the 2×2×2 cube is inside; the 256 codes follow from three rules:
 *
 * 1. The surface of a code is that of its complement, so at most four corners have to be looked at.
 * 2. Corners that are not joined by cube edges are cut off separately. This decides the ambiguous cases, where a face
 *    has two diagonal corners inside.
 * 3. A joined group is one of the six shapes below, turned or mirrored. Where a shape's surface is not flat its area
 *    depends on how it is split into triangles; the splits are those under which the areas agree with the surface-distance
 *    package (Nikolov et al., arXiv:1809.04430), the measure that the field reports.
 */

type Vector = readonly [number, number, number];

/**
 * The shapes of a joined group of corners. A polygon is a fan of triangles around its first vertex; a vertex is the
 * middle of the edge between the two named corners.
 */
const shapes: { corners: number[]; polygons: string[] }[] = [
  { corners: [0], polygons: ['01 02 04'] },
  { corners: [0, 1], polygons: ['02 13 15 04'] },
  { corners: [0, 1, 2], polygons: ['26 04 15 13 23'] },
  { corners: [0, 1, 2, 3], polygons: ['04 15 37 26'] },
  { corners: [0, 1, 2, 4], polygons: ['13 23 26 46 45 15'] },
  // The path 3-1-0-4: a twisted hexagon, split by the triangle of every other vertex.
  { corners: [0, 1, 3, 4], polygons: ['15 45 46', '23 37 15', '46 02 23', '23 15 46'] },
];

const axisOrders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

/** Normals of length = area at unit spacing, signs dropped, for each joined group of at most four corners (as a code). */
const normalsOfGroup = new Map<number, Vector[]>();
for (const { corners, polygons } of shapes) {
  const normals = polygons.flatMap(fanNormals);
  for (const order of axisOrders)
    for (let flip = 0; flip < 8; flip++) {
      const code = corners.reduce((bits, corner) => bits | (1 << (turn(corner, order) ^ flip)), 0);
      normalsOfGroup.set(
        code,
        normals.map((normal) => [normal[order[0]], normal[order[1]], normal[order[2]]]),
      );
    }
}

/**
 * Surface area for each of the 256 neighbourhood codes.
 *
 * @param spacing [z, y, x] in mm
 * @returns float64 [256], mm²; zero for the codes 0 and 255
 */
export function surfelAreas(spacing: Vector): Float64Array {
  const [sz, sy, sx] = spacing;
  return Float64Array.from({ length: 256 }, (_, code) =>
    joinedGroups(code)
      .flatMap((group) => normalsOfGroup.get(group)!)
      .map(([nz, ny, nx]) => {
        const [az, ay, ax] = [nz * sy * sx, ny * sz * sx, nx * sz * sy];
        return Math.sqrt(az * az + ay * ay + ax * ax);
      })
      .reduce((sum, area) => sum + area, 0),
  );
}

/** The codes of the groups of edge-joined corners, inside or outside, whichever are at most four. */
function joinedGroups(code: number): number[] {
  const inside = [...code.toString(2)].filter((bit) => bit === '1').length;
  let rest = inside > 4 ? code ^ 255 : code;
  const groups: number[] = [];
  while (rest !== 0) {
    let group = 0;
    for (let grown = rest & -rest; grown !== group; ) {
      group = grown;
      for (let corner = 0; corner < 8; corner++)
        if (group & (1 << corner)) for (const axis of [1, 2, 4]) grown |= rest & (1 << (corner ^ axis));
    }
    groups.push(group);
    rest &= ~group;
  }
  return groups;
}

function turn(corner: number, order: readonly [number, number, number]): number {
  const at = coordinates(corner);
  return 4 * at[order[0]]! + 2 * at[order[1]]! + at[order[2]]!;
}

function coordinates(corner: number): [number, number, number] {
  return [corner >> 2, (corner >> 1) & 1, corner & 1];
}

function fanNormals(polygon: string): Vector[] {
  const vertices = polygon.split(' ').map((edge) => {
    const [a, b] = [coordinates(Number(edge[0])), coordinates(Number(edge[1]))];
    return a.map((value, axis) => (value + b[axis]!) / 2);
  });
  const apex = vertices[0]!;
  return vertices.slice(2).map((vertex, i) => {
    const [uz, uy, ux] = vertices[i + 1]!.map((value, axis) => value - apex[axis]!) as [number, number, number];
    const [vz, vy, vx] = vertex.map((value, axis) => value - apex[axis]!) as [number, number, number];
    return [Math.abs(uy * vx - ux * vy) / 2, Math.abs(ux * vz - uz * vx) / 2, Math.abs(uz * vy - uy * vz) / 2];
  });
}
