/**
 * The surface of a mask as a mesh of quadrilaterals: constrained elastic surface nets (Gibson, MERL TR99-24, 1998). A vertex
 * lies in every cell of eight voxels that are not alike; vertices of neighbouring cells are drawn together, which takes the
 * steps away, and none may leave its cell, so that no detail is smoothed away.
 *
 * Left out: splitting of cells that two sheets pass through; there the sheets touch.
 */

type Triple = readonly [number, number, number];

export interface Mesh {
  /** float32 [n, 3]: x, y, z in mm from the centre of the first voxel. */
  vertices: Float32Array;
  /** uint32 [m, 4]: vertices of a face, counterclockwise as seen from outside. */
  faces: Uint32Array;
}

/** Towards the neighbours and almost as far back (Taubin, SIGGRAPH 1995): smooth without shrinking. */
const STEPS = Array.from({ length: 10 }, () => [0.6, -0.62]).flat();

/**
 * @param mask uint8 [z, y, x], not 0 inside
 * @param shape [z, y, x]
 * @param spacing [z, y, x] in mm
 */
export function surfaceNet(mask: Uint8Array, shape: Triple, spacing: Triple): Mesh {
  const box = boxOf(mask, shape);
  if (!box) return { vertices: new Float32Array(), faces: new Uint32Array() };
  const { from, size } = box;
  const [depth, height, width] = size;
  // Cell (z, y, x) lies between the voxels before and at (z, y, x): one more than there are voxels along every axis.
  const [rows, columns] = [height + 1, width + 1];
  const inside = (z: number, y: number, x: number) =>
    z >= 0 && y >= 0 && x >= 0 && z < depth && y < height && x < width
      ? mask[((z + from[0]) * shape[1] + y + from[1]) * shape[2] + x + from[2]] !== 0
      : false;

  const cells = new Int32Array((depth + 1) * rows * columns).fill(-1);
  const centres: number[] = []; // of cells with a vertex: x, y, z in voxels
  for (let z = 0, cell = 0; z <= depth; z++)
    for (let y = 0; y <= height; y++)
      for (let x = 0; x <= width; x++, cell++) {
        let count = 0;
        for (let corner = 0; corner < 8; corner++)
          count += inside(z - (corner >> 2), y - ((corner >> 1) & 1), x - (corner & 1)) ? 1 : 0;
        if (count === 0 || count === 8) continue;
        cells[cell] = centres.length / 3;
        centres.push(x - 0.5, y - 0.5, z - 0.5);
      }

  // A face for every pair of neighbours of which one lies inside, through the four cells around the pair.
  const faces: number[] = [];
  const around = (z: number, y: number, x: number, axis: 0 | 1 | 2, outwards: boolean) => {
    const at = (a: number, b: number) => {
      const place = axis === 0 ? [z, y + a, x + b] : axis === 1 ? [z + b, y, x + a] : [z + a, y + b, x];
      return cells[(place[0] * rows + place[1]) * columns + place[2]];
    };
    const ring = [at(0, 0), at(0, 1), at(1, 1), at(1, 0)];
    faces.push(...(outwards ? ring : ring.reverse()));
  };
  for (let z = 0; z <= depth; z++)
    for (let y = 0; y <= height; y++)
      for (let x = 0; x <= width; x++) {
        const here = inside(z, y, x);
        if (y < height && x < width && inside(z - 1, y, x) !== here) around(z, y, x, 0, !here);
        if (z < depth && x < width && inside(z, y - 1, x) !== here) around(z, y, x, 1, !here);
        if (z < depth && y < height && inside(z, y, x - 1) !== here) around(z, y, x, 2, !here);
      }

  const mesh = { vertices: relax(Float32Array.from(centres), faces), faces: Uint32Array.from(faces) };
  for (let i = 0; i < mesh.vertices.length; i++)
    mesh.vertices[i] = (mesh.vertices[i] + from[2 - (i % 3)]) * spacing[2 - (i % 3)];
  return mesh;
}

/** Moves every vertex towards the mean of its neighbours and back, as far as its cell allows, again and again. */
function relax(centres: Float32Array, faces: readonly number[]): Float32Array {
  const vertices = centres.slice();
  const [sums, counts] = [new Float32Array(vertices.length), new Uint8Array(vertices.length / 3)];
  for (const step of STEPS) {
    sums.fill(0);
    counts.fill(0);
    for (let face = 0; face < faces.length; face += 4)
      for (let corner = 0; corner < 4; corner++) {
        const [a, b] = [faces[face + corner], faces[face + ((corner + 1) % 4)]];
        for (let k = 0; k < 3; k++) sums[3 * a + k] += vertices[3 * b + k];
        counts[a]++;
      }
    for (let i = 0; i < vertices.length; i++) {
      const moved = vertices[i] + step * (sums[i] / counts[Math.floor(i / 3)] - vertices[i]);
      vertices[i] = Math.max(centres[i] - 0.5, Math.min(centres[i] + 0.5, moved));
    }
  }
  return vertices;
}

/** The smallest box around the mask; undefined where it is empty. */
function boxOf(mask: Uint8Array, [depth, height, width]: Triple): { from: Triple; size: Triple } | undefined {
  const [low, high] = [
    [depth, height, width],
    [-1, -1, -1],
  ];
  for (let z = 0, i = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++) {
        if (mask[i] === 0) continue;
        for (const [axis, place] of [z, y, x].entries()) {
          low[axis] = Math.min(low[axis], place);
          high[axis] = Math.max(high[axis], place);
        }
      }
  if (high[0] < 0) return undefined;
  return { from: low as unknown as Triple, size: high.map((end, axis) => end - low[axis] + 1) as unknown as Triple };
}
