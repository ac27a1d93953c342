/**
 * Cubic splines through the pixels of one axis, evaluated at other places (Unser et al. 1993; what `skimage.transform.resize`
 * of order 3 does with the edges repeated): linear in the pixels, so it is a table of weights like any other resampling.
 */
import type { Taps } from './resample.js';

/** The pole of the filter that turns pixels into coefficients. */
const pole = Math.sqrt(3) - 2;
/** Weights fall by `pole` from pixel to pixel: beyond this many they are below 1e-7. */
const reach = 13;

/** The cubic B-spline. */
function basis(x: number): number {
  const distance = Math.abs(x);
  if (distance >= 2) return 0;
  return distance >= 1 ? (2 - distance) ** 3 / 6 : 2 / 3 - distance ** 2 + distance ** 3 / 2;
}

/** The spline that is 1 at the pixel 0 and 0 at all others. */
function cardinal(x: number): number {
  const first = Math.ceil(x - 2);
  let sum = 0;
  for (let m = first; m <= first + 3; m++) sum += pole ** Math.abs(m) * basis(x - m);
  return Math.sqrt(3) * sum;
}

/** The taps of an axis whose `inputs` pixels become `outputs` over the same field of view. */
export function splineTaps(outputs: number, inputs: number): Taps {
  const widest = Math.min(inputs, 2 * reach + 1);
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs).fill(widest);
  const weights = new Float64Array(outputs * widest);
  for (let o = 0; o < outputs; o++) {
    const u = ((o + 0.5) * inputs) / outputs - 0.5;
    const start = Math.floor(u) - reach + 1;
    first[o] = Math.max(0, Math.min(inputs - widest, start));
    for (let i = start; i < start + 2 * reach; i++) {
      const pixel = Math.min(inputs - 1, Math.max(0, i)); // edges are repeated
      weights[o * widest + pixel - first[o]] += cardinal(u - i);
    }
  }
  return { first, count, weights, widest };
}
