/**
 * A random head as a function of the place: which signal a scanner's contrast gives there, and how far the brain's
 * surface is. Scalp, skull, brain with folded cortex, ventricles, deep nuclei, cerebellum, brain stem and lesions; eyes,
 * airways, vertebrae and neck as distractors.
 *
 * Shapes are joined from approximate signed distances (negative inside), x to the right, y to anterior and z to superior
 * in mm from the middle of the brain. Made to look plausible to a network at 2-3 mm; it is no atlas.
 */
import type { Random } from '../../core/index.js';
import type { Contrast } from './scanners.js';

/**
 * Fills `found` with what lies at a point in mm: the relative signal (0 in air), and the signed distance to the brain's
 * surface in mm (negative inside). It is asked for every voxel, so nothing is allocated.
 */
export type Head = (x: number, y: number, z: number, found: Float64Array) => void;

/** A sine of that many turns, made of two parabolas: the sines would take most of the time. */
function arc(turns: number): number {
  const f = turns - Math.floor(turns);
  return f < 0.5 ? 16 * f * (0.5 - f) : 16 * (f - 0.5) * (f - 1);
}

/** Wave vectors in turns per mm. */
type Waves = { x: number; y: number; z: number; phase: number }[];

const waves = (random: Random, count: number, shortest: number, longest: number): Waves =>
  Array.from({ length: count }, () => {
    const [x, y, z] = [random.normal(), random.normal(), random.normal()];
    const k = 1 / random.uniform(shortest, longest) / Math.hypot(x, y, z);
    return { x: k * x, y: k * y, z: k * z, phase: random.uniform() };
  });

function sum(waves: Waves, x: number, y: number, z: number): number {
  let total = 0;
  for (let i = 0; i < waves.length; i++) {
    const wave = waves[i];
    total += arc(wave.x * x + wave.y * y + wave.z * z + wave.phase);
  }
  return total;
}

/** Math.hypot guards against overflow, and is several times slower for it. */
const length = (x: number, y: number, z = 0) => Math.sqrt(x * x + y * y + z * z);

/** Approximate distance to an ellipsoid about the origin with the semi-axes a, b, c (I. Quilez's bound). */
function ellipsoid(x: number, y: number, z: number, a: number, b: number, c: number): number {
  const near = length(x / a, y / b, z / c);
  const far = length(x / a / a, y / b / b, z / c / c);
  return far === 0 ? -Math.min(a, b, c) : (near * (near - 1)) / far;
}

/** Union of two shapes with the crease between them filled over `width` mm. */
function join(a: number, b: number, width: number): number {
  const h = Math.max(0, width - Math.abs(a - b)) / width;
  return Math.min(a, b) - (h * h * width) / 4;
}

/** The part of a voxel inside a surface that is `distance` mm away: edges are about 2.5 mm soft. */
const cover = (distance: number) => Math.min(1, Math.max(0, 0.5 - distance / 2.5));
const mix = (under: number, over: number, share: number) => under + (over - under) * share;

/** Draws a head, as a scanner of that contrast sees it. */
export function randomHead(random: Random, contrast: Contrast): Head {
  const size = random.uniform(0.93, 1.05);
  const scale = [0, 0, 0].map(() => size * random.uniform(0.97, 1.03));
  const shift = [random.normal(0, 2), random.normal(0, 3), 12 + random.normal(0, 3)];
  const [roll, nod, turn] = [random.normal(0, 0.05), random.normal(0, 0.08), random.normal(0, 0.06)];
  const bend = [0, 1, 2].map(() => waves(random, 1, 70, 130));
  const amplitude = random.uniform(1.2, 3);
  const folds = waves(random, 3, 17, 30);
  const depths = waves(random, 2, 30, 60);
  const scalp = random.uniform(4, 9);
  const bone = random.uniform(5, 9);
  const gap = random.uniform(1.5, 4);
  const ventricle = random.uniform(0.75, 1.5);
  const sulcus = random.uniform(0.5, 1.4);
  const cortex = random.uniform(2.8, 3.8);
  const neck = random.uniform(44, 54);
  const lesions = Array.from({ length: random.integer(9) }, (_, i) => ({
    x: (random.chance(0.5) ? 1 : -1) * random.uniform(14, 34),
    y: random.uniform(-45, 45),
    z: random.uniform(0, 30),
    // A few small ones; in every fourth head that has any, one is large.
    radius: i === 0 && random.chance(0.25) ? random.uniform(9, 16) : random.uniform(2.5, 6),
  }));

  /** Brain tissue at `depth` mm below the surface of the cerebrum. */
  const cerebrum = (x: number, y: number, z: number, depth: number): number => {
    const side = Math.abs(x);
    // A fold is a sheet of fluid where the waves cross zero; its walls are cortex, down to its floor.
    const buried = Math.max(0, depth - 13 - 3 * sum(depths, x, y, z));
    const wall = buried > 7 ? buried : buried + 4.6 * Math.abs(sum(folds, x, y, z));
    // The hemispheres are apart, but for the corpus callosum and what lies below it.
    const callosum = Math.max(0, -ellipsoid(0, y + 2, z + 4, 1, 44, 28));
    const inward = Math.min(depth, wall, side + 1.5 * callosum);
    let signal = mix(contrast.grey, contrast.white, cover(sulcus + cortex - inward));
    const thalamus = ellipsoid(side - 13, y + 8, z - 2, 9, 14, 9);
    const putamen = ellipsoid(side - 25, y - 8, z - 1, 6, 16, 10);
    signal = mix(signal, contrast.grey, 0.85 * cover(Math.min(thalamus, putamen)));
    signal = mix(signal, contrast.fluid, cover(inward - sulcus));
    for (const { x: lx, y: ly, z: lz, radius } of lesions) {
      const reach = Math.abs(x - lx);
      if (reach < radius + 2)
        signal = mix(signal, contrast.lesion, cover(length(x - lx, y - ly, (z - lz) * 1.2) - radius));
    }
    const lateral = ellipsoid(
      side - 7 - 0.16 * Math.abs(y - 8),
      y + 4,
      z - 13 + 0.006 * y * y,
      5.5 * ventricle,
      33,
      9 * ventricle,
    );
    const third = ellipsoid(side, y + 4, z + 2, 2.2 * ventricle, 13, 10);
    return mix(signal, contrast.fluid, cover(Math.min(lateral, third)));
  };

  return (worldX, worldY, worldZ, found) => {
    found[0] = 0;
    found[1] = 100;
    let x = (worldX - shift[0]) / scale[0];
    let y = (worldY - shift[1]) / scale[1];
    let z = (worldZ - shift[2]) / scale[2];
    if ((x / 92) ** 2 + ((y - 4) / 118) ** 2 > 1 || z > 90) return;
    // Small angles: about z, about x, about y, one after another.
    x -= turn * y;
    y += turn * x;
    y -= nod * z;
    z += nod * y;
    x -= roll * z;
    z += roll * x;
    const dx = amplitude * sum(bend[0], x, y, z);
    const dy = amplitude * sum(bend[1], x, y, z);
    z += amplitude * sum(bend[2], x, y, z);
    x += dx;
    y += dy;
    const side = Math.abs(x);

    // The brain: hemispheres cut flat below (higher over the orbits), temporal lobes, cerebellum and stem. Above
    // `low` the parts of the lower head are too far away to matter.
    const low = z < 12;
    const base = -z - 22 + Math.max(0, 0.12 * y);
    const hemispheres = -join(-ellipsoid(x, y, z, 64, 82, 60), -base, 12);
    const temporal = !low ? 100 : ellipsoid(side - 38, y - 8, z + 24, 23, 38, 20);
    const great = join(hemispheres, temporal, 10);
    const cerebellum = !low ? 100 : ellipsoid(x, y + 46, z + 36, 47, 30, 22);
    const axis = y + 16 + 0.15 * (z + 30);
    const stem = !low ? 100 : Math.max(length(x, axis) - 11, z, -z - 74);
    const cavity = join(great, cerebellum, 6);
    const brain = Math.min(cavity, stem);
    found[1] = brain * size;

    // The head: skull and scalp around the brain, face and neck.
    const cranium = cavity - gap - bone - scalp;
    const face = !low ? 100 : ellipsoid(x, y - 42, z + 52, 54, 52, 60);
    const throat = !low ? 100 : Math.max(length(x, (y + 12) * 0.9) - neck, z + 30);
    const surface = join(join(cranium, face, 14), throat, 16);
    if (surface > 1.5) return;

    if (brain < -1.5 && great < cerebellum && great < stem) {
      found[0] = cerebrum(x, y, z, -great);
      return;
    }
    let signal = mix(contrast.muscle, contrast.fat, cover(-(surface + 0.7 * scalp)));
    if (z < -12) {
      signal = mix(signal, contrast.fat, cover(ellipsoid(side - 26, y - 60, z + 32, 17, 21, 16)));
      signal = mix(signal, contrast.vitreous, cover(length(side - 31, y - 70, z + 31) - 12));
      signal = mix(signal, contrast.marrow, cover(Math.max(length(x, y - 2) - 13, z + 58)));
      signal = mix(signal, contrast.bone, cover(Math.max(Math.abs(length(x, y + 20) - 13) - 3, z + 62)));
      const sinuses = ellipsoid(side - 15, y - 66, z + 56, 11, 15, 18);
      const airway = Math.max(length(x, y - 26) - 8, z + 48);
      signal = mix(signal, 0, cover(Math.min(sinuses, airway)));
    }
    const shell = Math.abs(cavity - gap - bone / 2);
    signal = mix(signal, contrast.bone, cover(shell - bone / 2));
    signal = mix(signal, contrast.marrow, 0.8 * cover(shell - bone / 5));
    signal = mix(signal, contrast.fluid, cover(Math.min(cavity - gap, Math.max(stem - 4, z))));
    if (brain < 1.5) {
      const leaves = 0.5 + 0.5 * arc(0.12 * length(y + 25, z + 36) + 0.2 * sum(depths, x, y, z));
      const hind = stem < cerebellum ? 0.85 : 0.75 * leaves;
      const tissue =
        great < Math.min(cerebellum, stem) ? cerebrum(x, y, z, -great) : mix(contrast.grey, contrast.white, hind);
      signal = mix(signal, tissue, cover(brain));
    }
    // The cord goes on below the brain stem.
    if (z < -60) signal = mix(signal, contrast.white, cover(Math.max(length(x, y + 20) - 6, z + 72)));
    found[0] = mix(signal, 0, cover(-surface));
  };
}
