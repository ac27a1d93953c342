/**
 * Separable linear resampling of images. Where the output is coarser than the input the triangle widens to the output's
 * pixel, which keeps fine structures from aliasing; where it is finer, this is bilinear interpolation.
 */

/** For each output pixel of one axis, the input pixels it takes and their weights. */
export interface Taps {
  /** First input pixel of each output. */
  first: Int32Array;
  /** How many input pixels it takes; 0 leaves the output at its fill. */
  count: Int32Array;
  /** [outputs, widest], each row's first `count` weights add up to 1. */
  weights: Float64Array;
  widest: number;
}

/**
 * The taps of one axis.
 *
 * @param outputs number of output pixels
 * @param centre where an output pixel's centre lies, in input pixels; undefined where it has no source
 * @param step distance of two output pixels in input pixels
 * @param from first input pixel that may be taken
 * @param to the input pixel after the last that may be taken
 */
export function tapsOf(
  outputs: number,
  centre: (output: number) => number | undefined,
  step: number,
  from: number,
  to: number,
): Taps {
  const reach = Math.max(1, step);
  const widest = Math.ceil(2 * reach) + 1;
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const weights = new Float64Array(outputs * widest);
  for (let o = 0; o < outputs; o++) {
    let u = centre(o);
    if (u === undefined) continue;
    u = Math.min(to - 1, Math.max(from, u));
    const start = Math.max(from, Math.floor(u - reach) + 1);
    const end = Math.min(to, Math.ceil(u + reach));
    let sum = 0;
    for (let i = start; i < end; i++) sum += weights[o * widest + i - start] = 1 - Math.abs(i - u) / reach;
    for (let i = start; i < end; i++) weights[o * widest + i - start] /= sum;
    first[o] = start;
    count[o] = end - start;
  }
  return { first, count, weights, widest };
}

/**
 * Resamples one image.
 *
 * @param image float32 [rows, columns]
 * @param fill value of output pixels without a source
 * @param output float32 [rows.first.length, columns.first.length]
 */
export function resample(
  image: Float32Array,
  width: number,
  rows: Taps,
  columns: Taps,
  fill: number,
  output: Float32Array,
): void {
  const [h, w] = [rows.first.length, columns.first.length];
  const line = new Float64Array(width);
  for (let i = 0; i < h; i++) {
    if (rows.count[i] === 0) {
      output.fill(fill, i * w, (i + 1) * w);
      continue;
    }
    line.fill(0);
    for (let t = 0; t < rows.count[i]; t++) {
      const weight = rows.weights[i * rows.widest + t];
      const start = (rows.first[i] + t) * width;
      for (let c = 0; c < width; c++) line[c] += weight * image[start + c];
    }
    for (let j = 0; j < w; j++) {
      const taps = columns.count[j];
      let sum = taps === 0 ? fill : 0;
      for (let t = 0; t < taps; t++) sum += columns.weights[j * columns.widest + t] * line[columns.first[j] + t];
      output[i * w + j] = sum;
    }
  }
}
