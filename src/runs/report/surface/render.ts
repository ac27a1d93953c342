/**
 * A mesh as a picture: parallel projection, a depth buffer, and light from beside the viewer. Four samples a pixel make the
 * edges smooth.
 *
 * Left out: perspective (lengths would not compare) and shadows.
 */
import type { Mesh } from './net.js';

type Vector = readonly [x: number, y: number, z: number];
export type Colour = readonly [red: number, green: number, blue: number];

export interface Camera {
  /** Unit vectors: towards the right and the top of the picture, and towards the viewer. */
  right: Vector;
  up: Vector;
  towards: Vector;
  /** What lies in the middle of the picture, in mm. */
  centre: Vector;
  /** Half the picture's side, in mm. */
  radius: number;
}

const SAMPLES = 2; // along each side of a pixel
const light: Vector = [-0.35, 0.45, 0.82]; // right, up, towards

/**
 * A camera at an angle around a body that stands upright in RAS.
 *
 * @param azimuth in degrees: 0 looks at the front, 90 at the patient's left side, 180 at the back
 * @param elevation in degrees above the horizon
 */
export function cameraAt(azimuth: number, elevation: number, centre: Vector, radius: number): Camera {
  const [a, e] = [azimuth, elevation].map((degrees) => (degrees * Math.PI) / 180);
  return {
    towards: [-Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e)],
    right: [-Math.cos(a), -Math.sin(a), 0],
    up: [Math.sin(a) * Math.sin(e), -Math.cos(a) * Math.sin(e), Math.cos(e)],
    ...{ centre, radius },
  };
}

/**
 * @param colours of every vertex, uint8 [n, 3]
 * @param side of the square picture, in pixels
 * @returns uint8 [side, side, 4]: red, green, blue, opacity (0 beside the mesh)
 */
export function render({ vertices, faces }: Mesh, colours: Uint8Array, camera: Camera, side: number): Uint8Array {
  const { right, up, towards, centre, radius } = camera;
  const fine = side * SAMPLES;
  const count = vertices.length / 3;
  const projected = new Float32Array(vertices.length); // column, row, nearness
  for (let i = 0; i < count; i++) {
    const [x, y, z] = [0, 1, 2].map((k) => vertices[3 * i + k] - centre[k]);
    const along = (axis: Vector) => axis[0] * x + axis[1] * y + axis[2] * z;
    projected[3 * i] = ((along(right) / radius + 1) * fine) / 2;
    projected[3 * i + 1] = ((1 - along(up) / radius) * fine) / 2;
    projected[3 * i + 2] = along(towards);
  }
  const shades = shadesOf(projected, faces, fine / (2 * radius));

  const nearest = new Float32Array(fine * fine).fill(Number.NEGATIVE_INFINITY);
  const found = new Uint8Array(fine * fine * 3);
  const triangle = (a: number, b: number, c: number) => {
    const [ax, ay, bx, by, cx, cy] = [a, b, c].flatMap((i) => [projected[3 * i], projected[3 * i + 1]]);
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    if (area === 0) return;
    const [first, last] = [Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5)), Math.max(ay, by, cy) - 0.5];
    for (let row = first; row <= last && row < fine; row++)
      for (
        let column = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
        column <= Math.max(ax, bx, cx) - 0.5 && column < fine;
        column++
      ) {
        const [x, y] = [column + 0.5, row + 0.5];
        const v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area;
        const w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area;
        const u = 1 - v - w;
        if (u < 0 || v < 0 || w < 0) continue;
        const depth = u * projected[3 * a + 2] + v * projected[3 * b + 2] + w * projected[3 * c + 2];
        const at = row * fine + column;
        if (depth <= nearest[at]) continue;
        nearest[at] = depth;
        const shade = u * shades[a] + v * shades[b] + w * shades[c];
        for (let k = 0; k < 3; k++)
          found[3 * at + k] = Math.min(
            255,
            shade * (u * colours[3 * a + k] + v * colours[3 * b + k] + w * colours[3 * c + k]),
          );
      }
  };
  for (let i = 0; i < faces.length; i += 4) {
    triangle(faces[i], faces[i + 1], faces[i + 2]);
    triangle(faces[i], faces[i + 2], faces[i + 3]);
  }
  return smaller(found, nearest, side);
}

/** How much light every vertex gives back: the faces' normals, averaged, against the light. */
function shadesOf(projected: Float32Array, faces: Uint32Array, scale: number): Float32Array {
  const normals = new Float32Array(projected.length);
  const at = (i: number): Vector => [projected[3 * i], -projected[3 * i + 1], projected[3 * i + 2] * scale];
  for (let i = 0; i < faces.length; i += 4) {
    const corners = [0, 1, 2, 3].map((k) => faces[i + k]);
    const [a, b, c, d] = corners.map(at);
    const [p, q] = [minus(c, a), minus(d, b)]; // the diagonals
    const normal = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
    for (const corner of corners) for (let k = 0; k < 3; k++) normals[3 * corner + k] += normal[k];
  }
  return Float32Array.from({ length: projected.length / 3 }, (_, i) => {
    const normal = normals.subarray(3 * i, 3 * i + 3);
    const length = Math.hypot(...normal) || 1;
    const facing = (light[0] * normal[0] + light[1] * normal[1] + light[2] * normal[2]) / length;
    return 0.34 + 0.72 * Math.max(0, facing);
  });
}

const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

/** The samples of every pixel as one; opacity is the share of samples that hit. */
function smaller(found: Uint8Array, nearest: Float32Array, side: number): Uint8Array {
  const pixels = new Uint8Array(side * side * 4);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const sums = [0, 0, 0];
      let hits = 0;
      for (let sample = 0; sample < SAMPLES ** 2; sample++) {
        const at =
          (row * SAMPLES + Math.floor(sample / SAMPLES)) * side * SAMPLES + column * SAMPLES + (sample % SAMPLES);
        if (nearest[at] === Number.NEGATIVE_INFINITY) continue;
        hits++;
        for (let k = 0; k < 3; k++) sums[k] += found[3 * at + k];
      }
      if (hits === 0) continue;
      pixels.set(
        [...sums.map((sum) => Math.round(sum / hits)), Math.round((255 * hits) / SAMPLES ** 2)],
        4 * (row * side + column),
      );
    }
  return pixels;
}
