/**
 * Generated slices with objects in them, for a model to learn from what an outline is before it sees a patient:
 * ellipses, polygons and blobs of many sizes, bent and overlapping, some in two parts (a core and a rim, or two ends),
 * each with an intensity and a texture, under a smooth brightness field and noise, as in magnetic resonance images.
 *
 * Nothing here looks like an organ; what generated phantoms of heads look like is in `phantom/`.
 */
import type { Random } from '../core/index.js';

export interface Scene {
  /** float32 [size, size], intensities in [0, 1] */
  image: Float32Array;
  /** uint8 [size, size]: 0 background, 1 … count the objects and parts, each at least 12 pixels */
  objects: Uint8Array;
  count: number;
}

/** Pixels below which an object is painted over. */
const LEAST = 12;

/** @param size pixels on each side */
export function drawScene(size: number, random: Random): Scene {
  const image = field(size, 1 + random.integer(6), random, random.uniform(0, 0.25));
  const ground = random.uniform(0.1, 0.9);
  for (let i = 0; i < image.length; i++) image[i] += ground;
  const drawn = new Uint8Array(size * size);
  let parts = 0;
  const shapes = 1 + random.integer(5);
  for (let shape = 0; shape < shapes; shape++) {
    const inside = outline(size, random);
    const paint = tissue(size, ground, random);
    const other = random.chance(0.4) ? tissue(size, ground, random) : undefined;
    const split = random.chance(0.5) ? random.uniform(0.3, 0.7) : undefined;
    const place = parts;
    parts += other ? 2 : 1;
    inside.visit((i, depth, along) => {
      // The second part is one end of the object, or its core.
      const second = other && (split === undefined ? depth > 0.35 * inside.radius : along > 2 * split - 1);
      const share = Math.min(1, depth + 0.5); // of the pixel that the object covers
      image[i] += share * ((second ? other : paint)[i] - image[i]);
      if (share >= 0.5) drawn[i] = place + (second ? 2 : 1);
    });
  }
  acquire(image, size, random);
  return { image, ...numbered(drawn, parts) };
}

interface Outline {
  /**
   * Goes through the pixels that it covers at least in part, with how deep they lie inside it, in pixels (above -0.5),
   * and where along it, from about -1 to 1.
   */
  visit(pixel: (index: number, depth: number, along: number) => void): void;
  /** Of its narrow side, in pixels. */
  radius: number;
}

function outline(size: number, random: Random): Outline {
  const radius = (size / 2) * Math.exp(random.uniform(Math.log(0.1), Math.log(0.7)));
  const [cx, cy] = [random.uniform(0.1, 0.9) * size, random.uniform(0.1, 0.9) * size];
  const angle = random.uniform(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle) / radius, Math.sin(angle) / radius];
  const narrow = random.uniform(0.3, 1);
  const bend = random.chance(0.5) ? random.uniform(-0.6, 0.6) : 0;
  const reach = rim(random);
  const [left, top] = [cx, cy].map((centre) => Math.max(0, Math.floor(centre - 2 * radius)));
  const [right, bottom] = [cx, cy].map((centre) => Math.min(size - 1, Math.ceil(centre + 2 * radius)));
  return {
    radius: radius * narrow,
    visit(pixel) {
      for (let y = top; y <= bottom; y++)
        for (let x = left; x <= right; x++) {
          const u = (x - cx) * cos + (y - cy) * sin;
          const w = ((y - cy) * cos - (x - cx) * sin + bend * (u * u - 0.3)) / narrow;
          const squared = u * u + w * w;
          if (squared > 4) continue;
          const depth = (reach(Math.atan2(w, u)) - Math.sqrt(squared)) * radius * narrow;
          if (depth > -0.5) pixel(y * size + x, depth, u);
        }
    },
  };
}

/** The distance of the outline from its centre by angle, about 1. */
function rim(random: Random): (angle: number) => number {
  const kind = random.integer(3);
  if (kind === 0) return () => 1;
  if (kind === 1) {
    const waves = Array.from({ length: 4 }, (_, i) => ({
      times: i + 2,
      height: random.normal(0, 0.25 / (i + 2)),
      phase: random.uniform(0, 2 * Math.PI),
    }));
    return (angle) =>
      waves.reduce((sum, { times, height, phase }) => sum + height * Math.cos(times * angle + phase), 1);
  }
  const corners = 3 + random.integer(5);
  const turn = (2 * Math.PI) / corners;
  const start = random.uniform(0, turn);
  const half = Math.cos(turn / 2);
  return (angle) => half / Math.cos(((((angle - start) % turn) + turn) % turn) - turn / 2);
}

/** The intensities of one tissue everywhere, unlike the ground's mean. */
function tissue(size: number, ground: number, random: Random): Float32Array {
  const contrast = random.uniform(0.08, 0.5) * (random.chance(0.5) ? 1 : -1);
  const mean = ground + contrast > 1 || ground + contrast < 0 ? ground - contrast : ground + contrast;
  const texture = field(size, 2 + random.integer(10), random, random.uniform(0, 0.08));
  return texture.map((value) => mean + value);
}

/** A smooth random field of mean 0: normal values on a coarse grid, interpolated. */
function field(size: number, cells: number, random: Random, deviation: number): Float32Array {
  const side = cells + 1;
  const nodes = Float32Array.from({ length: side * side }, () => random.normal(0, deviation));
  const result = new Float32Array(size * size);
  const ease = (t: number) => t * t * (3 - 2 * t);
  for (let y = 0; y < size; y++) {
    const v = (y / size) * cells;
    const [row, t] = [Math.floor(v), ease(v % 1)];
    for (let x = 0; x < size; x++) {
      const u = (x / size) * cells;
      const [column, s] = [Math.floor(u), ease(u % 1)];
      const at = row * side + column;
      const upper = nodes[at] + s * (nodes[at + 1] - nodes[at]);
      const lower = nodes[at + side] + s * (nodes[at + side + 1] - nodes[at + side]);
      result[y * size + x] = upper + t * (lower - upper);
    }
  }
  return result;
}

/** Brightness field, noise, and intensities stretched to [0, 1]. */
function acquire(image: Float32Array, size: number, random: Random): void {
  const bias = field(size, 1 + random.integer(2), random, random.uniform(0, 0.2));
  const noise = random.uniform(0, 0.08);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < image.length; i++) {
    image[i] = image[i] * Math.exp(bias[i]) + random.normal(0, noise);
    low = Math.min(low, image[i]);
    high = Math.max(high, image[i]);
  }
  for (let i = 0; i < image.length; i++) image[i] = (image[i] - low) / (high - low);
}

/** What is left of each object in view, renumbered; the smallest are background. */
function numbered(drawn: Uint8Array, parts: number): Pick<Scene, 'objects' | 'count'> {
  const areas = new Uint32Array(parts + 1);
  for (const part of drawn) areas[part]++;
  let count = 0;
  const numbers = areas.map((area, part) => (part > 0 && area >= LEAST ? ++count : 0));
  return { objects: drawn.map((part) => numbers[part]), count };
}
