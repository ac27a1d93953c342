/** Surfaces in three dimensions: closed, facing outwards, where the mask is, and drawn as a viewer in front would see them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawSurfaces } from '../../src/runs/report/surface/index.js';
import { type Mesh, surfaceNet } from '../../src/runs/report/surface/net.js';
import { cameraAt, render } from '../../src/runs/report/surface/render.js';

type Triple = [number, number, number];

/** A ball: uint8 [z, y, x]. @param centre [z, y, x] and radius in mm */
function ball(shape: Triple, spacing: Triple, centre: Triple, radius: number): Uint8Array {
  const mask = new Uint8Array(shape[0] * shape[1] * shape[2]);
  for (let z = 0, i = 0; z < shape[0]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[2]; x++, i++) {
        const way = [z, y, x].map((place, axis) => place * spacing[axis]! - centre[axis]!);
        mask[i] = Math.hypot(...way) <= radius ? 1 : 0;
      }
  return mask;
}

const cornersOf = ({ vertices, faces }: Mesh, face: number) =>
  [0, 1, 2, 3].map((k) => vertices.subarray(3 * faces[4 * face + k]!, 3 * faces[4 * face + k]! + 3));

/** By the divergence theorem; positive where faces look outwards. */
function volume(mesh: Mesh): number {
  let sum = 0;
  const part = (a: Float32Array, b: Float32Array, c: Float32Array) =>
    (a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) +
      a[1]! * (b[2]! * c[0]! - b[0]! * c[2]!) +
      a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!)) /
    6;
  for (let face = 0; face < mesh.faces.length / 4; face++) {
    const [a, b, c, d] = cornersOf(mesh, face) as [Float32Array, Float32Array, Float32Array, Float32Array];
    sum += part(a, b, c) + part(a, c, d);
  }
  return sum;
}

describe('a surface net', () => {
  it('of a ball has its volume, its radius and its place, whatever the spacing', () => {
    for (const spacing of [
      [1, 1, 1],
      [2, 1, 1.5],
    ] as Triple[]) {
      const shape = spacing.map((step) => Math.ceil(44 / step)) as Triple;
      const mesh = surfaceNet(ball(shape, spacing, [20, 22, 21], 14), shape, spacing);
      expect(volume(mesh) / ((4 / 3) * Math.PI * 14 ** 3)).toBeCloseTo(1, 1);
      for (let i = 0; i < mesh.vertices.length; i += 3) {
        const [x, y, z] = mesh.vertices.subarray(i, i + 3) as unknown as Triple;
        expect(Math.abs(Math.hypot(x - 21, y - 22, z - 20) - 14)).toBeLessThan(Math.max(...spacing));
      }
    }
  });

  it('is closed: every side of a face is the side of another that runs the other way', () => {
    const shape: Triple = [4, 4, 4];
    fc.assert(
      fc.property(fc.uint8Array({ min: 0, max: 1, minLength: 64, maxLength: 64 }), (mask) => {
        const { faces } = surfaceNet(mask, shape, [1, 1, 1]);
        const sides = new Map<string, number>();
        for (let i = 0; i < faces.length; i += 4)
          for (let k = 0; k < 4; k++) {
            const [a, b] = [faces[i + k]!, faces[i + ((k + 1) % 4)]!];
            const key = a < b ? `${a} ${b}` : `${b} ${a}`;
            sides.set(key, (sides.get(key) ?? 0) + (a < b ? 1 : -1));
          }
        expect([...sides.values()].filter((sum) => sum !== 0)).toEqual([]);
      }),
    );
  });

  it('of nothing is nothing', () => {
    expect(surfaceNet(new Uint8Array(8), [2, 2, 2], [1, 1, 1]).faces).toHaveLength(0);
  });
});

describe('a picture of a surface', () => {
  const shape: Triple = [24, 24, 24];
  const pixel = (pixels: Uint8Array, side: number, x: number, y: number) => [
    ...pixels.subarray(4 * (y * side + x), 4 * (y * side + x) + 4),
  ];

  it('shows the front lit, nothing beside it, and the patient’s right at the left', () => {
    const side = 60;
    const mesh = surfaceNet(ball(shape, [1, 1, 1], [12, 12, 12], 6.4), shape, [1, 1, 1]);
    const paint = new Uint8Array(mesh.vertices.length).fill(200);
    // In front of the middle of a field that is twice as wide as the ball.
    const front = render(mesh, paint, cameraAt(0, 0, [12, 12, 12], 12), side);
    const [red, , , opacity] = pixel(front, side, 30, 30);
    expect(opacity).toBe(255);
    expect(red).toBeGreaterThan(150);
    expect(pixel(front, side, 3, 30)[3]).toBe(0);
    // Light comes from above: the lower edge is darker.
    expect(pixel(front, side, 30, 42)[0]).toBeLessThan(pixel(front, side, 30, 20)[0]! - 40);
    // x grows to the patient's right, which is at the left of who looks at the face.
    const moved = render(mesh, paint, cameraAt(0, 0, [6, 12, 12], 12), side);
    const covered = (pixels: Uint8Array, from: number, to: number) => {
      let count = 0;
      for (let x = from; x < to; x++) count += pixel(pixels, side, x, 30)[3]! > 0 ? 1 : 0;
      return count;
    };
    expect(covered(moved, 0, 30)).toBeGreaterThan(3 * covered(moved, 30, 60));
  });

  it('is orange where the prediction is further from the reference than the tolerance', () => {
    const grid = { shape, spacing: [1, 1, 1] as Triple };
    const truth = ball(shape, [1, 1, 1], [12, 12, 12], 7);
    const orange = (pixels: Uint8Array) => {
      let count = 0;
      for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] === 255 && pixels[i]! > 2 * pixels[i + 2]!) count++;
      return count;
    };
    const shifted = ball(shape, [1, 1, 1], [12, 12, 16], 7);
    const [reference, same] = drawSurfaces(grid, { truth, adapted: truth }, 1.5);
    const [, far] = drawSurfaces(grid, { truth, adapted: shifted }, 1.5);
    const [, forgiven] = drawSurfaces(grid, { truth, adapted: shifted }, 6);
    expect([reference!.of, same!.of]).toEqual(['truth', 'adapted']);
    expect(orange(same!.pixels)).toBe(0);
    expect(orange(far!.pixels)).toBeGreaterThan(2000);
    expect(orange(forgiven!.pixels)).toBe(0);
  });

  it('of an empty prediction is empty, and the reference is still drawn', () => {
    const truth = ball(shape, [1, 1, 1], [12, 12, 12], 7);
    const [reference, nothing] = drawSurfaces(
      { shape, spacing: [1, 1, 1] },
      { truth, adapted: new Uint8Array(truth.length) },
      2,
    );
    expect(reference!.pixels.some((value) => value > 0)).toBe(true);
    expect(nothing!.pixels.some((value) => value > 0)).toBe(false);
    expect(drawSurfaces({ shape, spacing: [1, 1, 1] }, { truth: new Uint8Array(truth.length) }, 2)).toHaveLength(2);
  });
});
