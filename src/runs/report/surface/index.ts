/**
 * The surfaces of a reference and of a prediction, from the front and from the back at one scale. Where the prediction is
 * further from the reference than the tolerance of the surface Dice, it is orange: what the measure does not count.
 */
import type { Outlined, ReportSurface } from '../data.js';
import { type Mesh, surfaceNet } from './net.js';
import { type Camera, type Colour, cameraAt, render } from './render.js';

type Triple = readonly [number, number, number];

/** The same as in the slices. */
const colours: Record<'truth' | 'near' | 'far', Colour> = {
  truth: [236, 226, 130],
  near: [110, 186, 232],
  far: [236, 104, 32],
};
const sides: [from: string, azimuth: number][] = [
  ['front left', 35],
  ['back right', 215],
];
const ELEVATION = 18;
const SIDE = 300;

/**
 * @param masks uint8 [z, y, x] in RAS, 0 outside all structures; `truth` is what the others are compared with
 * @param toleranceMm where a vertex further than this from every vertex of the reference is orange
 */
export function drawSurfaces(
  { shape, spacing }: { shape: Triple; spacing: Triple },
  masks: Partial<Record<Outlined, Uint8Array>> & { truth: Uint8Array },
  toleranceMm: number,
): ReportSurface[] {
  const meshes = Object.entries(masks).map(([of, mask]) => ({
    of: of as Outlined,
    mesh: surfaceNet(mask, shape, spacing),
  }));
  const { centre, radius } = ball(meshes.map(({ mesh }) => mesh));
  const truth = meshes.find(({ of }) => of === 'truth')!.mesh;
  const painted = meshes.map(({ of, mesh }) => ({
    of,
    mesh,
    paint: of === 'truth' ? plain(mesh) : compared(mesh, truth, toleranceMm),
  }));
  return sides.flatMap(([from, azimuth]) => {
    const camera: Camera = cameraAt(azimuth, ELEVATION, centre, radius);
    return painted.map(({ of, mesh, paint }) => ({
      ...{ of, from, width: SIDE, height: SIDE },
      pixels: render(mesh, paint, camera, SIDE),
    }));
  });
}

const plain = ({ vertices }: Mesh) => Uint8Array.from(vertices, (_, i) => colours.truth[i % 3]);

/** By whether a vertex of the reference lies within the tolerance. */
function compared({ vertices }: Mesh, truth: Mesh, tolerance: number): Uint8Array {
  // Vertices of the reference by cubes of the tolerance's size: what is near lies in a cube beside.
  const cubes = new Map<string, number[]>();
  const cubeOf = (mesh: Float32Array, i: number) => [0, 1, 2].map((k) => Math.floor(mesh[3 * i + k] / tolerance));
  for (let i = 0; i < truth.vertices.length / 3; i++) {
    const key = cubeOf(truth.vertices, i).join();
    const cube = cubes.get(key);
    if (cube) cube.push(i);
    else cubes.set(key, [i]);
  }
  const paint = new Uint8Array(vertices.length);
  for (let i = 0; i < vertices.length / 3; i++) {
    const [x, y, z] = cubeOf(vertices, i);
    const isNear = beside.some(([dx, dy, dz]) =>
      cubes
        .get(`${x + dx},${y + dy},${z + dz}`)
        ?.some(
          (j) => Math.hypot(...[0, 1, 2].map((k) => vertices[3 * i + k] - truth.vertices[3 * j + k])) <= tolerance,
        ),
    );
    paint.set(isNear ? colours.near : colours.far, 3 * i);
  }
  return paint;
}

/** A cube itself first, then its 26 neighbours. */
const beside = Array.from(
  { length: 27 },
  (_, i): Triple => [(i % 3) - 1, (Math.floor(i / 3) % 3) - 1, Math.floor(i / 9) - 1],
).sort((a, b) => Math.hypot(...a) - Math.hypot(...b));

/** A ball around all vertices. */
function ball(meshes: readonly Mesh[]): { centre: Triple; radius: number } {
  const [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((start) => [start, start, start]);
  for (const { vertices } of meshes)
    for (let i = 0; i < vertices.length; i++) {
      low[i % 3] = Math.min(low[i % 3], vertices[i]);
      high[i % 3] = Math.max(high[i % 3], vertices[i]);
    }
  if (low[0] > high[0]) return { centre: [0, 0, 0], radius: 1 };
  const centre = low.map((value, k) => (value + high[k]) / 2);
  let radius = 0;
  for (const { vertices } of meshes)
    for (let i = 0; i < vertices.length; i += 3)
      radius = Math.max(radius, Math.hypot(...centre.map((value, k) => vertices[i + k] - value)));
  return { centre: centre as unknown as Triple, radius: radius * 1.03 };
}
