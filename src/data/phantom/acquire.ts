/**
 * Imaging a head with a scanner: the grid as the scanner stores it, partial volume through thick slices, coil bias,
 * artefacts, and Rician noise.
 *
 * Left out: k-space, distortion, motion within a slice.
 */
import type { Random } from '../../core/index.js';
import { type Head, randomHead } from './head.js';
import type { Scanner } from './scanners.js';

/** A volume as stored: [k, j, i], with the affine from [i, j, k] to mm (right, anterior, superior). */
export interface Stored {
  /** int16 */
  image: Int16Array;
  /** uint8, 1 is brain. */
  brain: Uint8Array;
  shape: [number, number, number];
  /** 4x4, row-major. */
  affine: number[];
}

/** Field of view in mm: right, anterior, superior. */
const FIELD = [176, 198, 176];
/** Thickness in mm that one point through a slice stands for. */
const LAYER = 3;

/** How a case is planned, relative to the scanner's own way. */
export interface Protocol {
  /** Of the field of view: right, anterior, superior. */
  field: readonly number[];
  /** Of the pixel and of the slice thickness. */
  pixel: number;
  thickness: number;
}

const usual: Protocol = { field: [1, 1, 1], pixel: 1, thickness: 1 };

/** A protocol as hospitals change them from patient to patient; the middle of the brain stays in view. */
export const randomProtocol = (random: Random): Protocol => ({
  field: [0.85, 0.85, 0.5].map((least) => random.uniform(least, 1.1)),
  pixel: random.uniform(0.8, 1.25),
  thickness: random.uniform(0.8, 1.5),
});

/** Images a random head. `anatomy` draws the head, `session` everything that the scanner adds. */
export function acquire(
  scanner: Scanner,
  spacing: number,
  { anatomy, session, protocol = usual }: { anatomy: Random; session: Random; protocol?: Protocol },
): Stored {
  const grid = gridOf(scanner, spacing, protocol, session);
  const { signal, brain } = sample(randomHead(anatomy, scanner.contrast), grid);
  addBias(signal, grid.shape, scanner.bias, session);
  addEchoes(signal, grid.shape, scanner);
  return { image: detect(signal, grid.shape, scanner, session), brain, shape: grid.shape, affine: grid.affine };
}

/** The ideal signal of every voxel, averaged through the slice, and whether most of it is brain. */
function sample(head: Head, { shape: [nk, nj, ni], affine, step }: ReturnType<typeof gridOf>) {
  const signal = new Float32Array(nk * nj * ni);
  const brain = new Uint8Array(signal.length);
  const layers = Math.max(1, Math.round(step[2] / LAYER));
  const [xi, xj, xk, x0, yi, yj, yk, y0, zi, zj, zk, z0] = affine;
  const found = new Float64Array(2);
  for (let k = 0, v = 0; k < nk; k++)
    for (let j = 0; j < nj; j++)
      for (let i = 0; i < ni; i++, v++) {
        let [sum, inside] = [0, 0];
        for (let layer = 0; layer < layers; layer++) {
          const s = k + (layer + 0.5) / layers - 0.5;
          head(xi * i + xj * j + xk * s + x0, yi * i + yj * j + yk * s + y0, zi * i + zj * j + zk * s + z0, found);
          sum += found[0];
          if (found[1] < 0) inside++;
        }
        signal[v] = sum / layers;
        brain[v] = 2 * inside > layers ? 1 : 0;
      }
  return { signal, brain };
}

/** Magnitudes of the signal with normal noise in both of its channels (Rician), as whole numbers. */
function detect(signal: Float32Array, [, nj, ni]: readonly number[], scanner: Scanner, session: Random): Int16Array {
  const zipper = session.chance(scanner.zipper) ? session.integer(nj) : -1;
  const image = new Int16Array(signal.length);
  for (let v = 0; v < image.length; v++) {
    const deviation = Math.floor(v / ni) % nj === zipper ? scanner.noise + 0.2 : scanner.noise;
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - session.uniform()));
    const angle = 2 * Math.PI * session.uniform();
    const power = signal[v] ** 2 + 2 * signal[v] * radius * Math.cos(angle) + radius ** 2;
    image[v] = Math.min(32767, Math.round(scanner.gain * Math.sqrt(Math.max(0, power))));
  }
  return image;
}

function gridOf({ orientation, pixel, thickness, tilt }: Scanner, spacing: number, own: Protocol, session: Random) {
  const side = spacing * pixel * own.pixel;
  const step = [side, side, spacing * thickness * own.thickness];
  const count = [0, 0, 0];
  const affine = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  const angle = (tilt * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  [...orientation].forEach((letter, axis) => {
    const world = ['LR', 'PA', 'IS'].findIndex((pair) => pair.includes(letter));
    const direction = [0, 0, 0];
    direction[world] = 'RAS'.includes(letter) ? step[axis] : -step[axis];
    count[axis] = Math.max(1, Math.round((FIELD[world] * own.field[world]) / step[axis]));
    // Tilted about the axis from left to right.
    affine[axis] = direction[0];
    affine[4 + axis] = cos * direction[1] - sin * direction[2];
    affine[8 + axis] = sin * direction[1] + cos * direction[2];
  });
  for (let row = 0; row < 3; row++) {
    const middle = [0, 1, 2].reduce((sum, axis) => sum + (affine[4 * row + axis] * (count[axis] - 1)) / 2, 0);
    affine[4 * row + 3] = session.normal(0, 1.5) - middle;
  }
  return { shape: [count[2], count[1], count[0]] as [number, number, number], affine, step };
}

/** Multiplies by the exponential of a parabola along each axis, whose slope is drawn. */
function addBias(image: Float32Array, [nk, nj, ni]: readonly number[], strength: number, session: Random): void {
  const profile = (count: number) => {
    const [slope, bow] = [session.normal(0, 0.5), session.uniform(-0.5, 0)];
    const at = (index: number) => (2 * index) / Math.max(1, count - 1) - 1;
    return Float64Array.from({ length: count }, (_, i) => Math.exp(strength * (slope * at(i) + bow * at(i) ** 2)));
  };
  const [alongK, alongJ, alongI] = [profile(nk), profile(nj), profile(ni)];
  for (let k = 0, v = 0; k < nk; k++)
    for (let j = 0; j < nj; j++) for (let i = 0; i < ni; i++, v++) image[v] *= alongK[k] * alongJ[j] * alongI[i];
}

/** Ghosts and ringing along phase encoding (j), and the brightness of odd and even slices. */
function addEchoes(image: Float32Array, [nk, nj, ni]: readonly number[], scanner: Scanner): void {
  const { ghost, ringing, interleaving } = scanner;
  const slice = new Float32Array(nj * ni);
  for (let k = 0; k < nk; k++) {
    const target = image.subarray(k * nj * ni, (k + 1) * nj * ni);
    slice.set(target);
    const brightness = 1 + (k % 2 === 0 ? interleaving : -interleaving) / 2;
    const row = (j: number) => ((j + nj) % nj) * ni;
    for (let j = 0; j < nj; j++)
      for (let i = 0; i < ni; i++) {
        const here = slice[j * ni + i];
        const twoAway = slice[row(j - 2) + i] + slice[row(j + 2) + i];
        const fourAway = slice[row(j - 4) + i] + slice[row(j + 4) + i];
        const echo = ringing * (here - twoAway + fourAway / 2) + ghost * slice[row(j + (nj >> 1)) + i];
        target[j * ni + i] = brightness * (here + echo);
      }
  }
}
