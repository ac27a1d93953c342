/**
 * Three slices of a volume as small pictures: axial, coronal and sagittal, in radiological convention and with square
 * pixels. They show where a label is largest, or the volume's middle where there is none.
 */
import type { Triple } from '../orientation.js';
import { resample, tapsOf } from '../preprocess/resample.js';
import type { Label, Volume } from '../volume.js';

export interface Pane {
  width: number;
  height: number;
  /** uint8 [height, width]; row 0 is anterior (axial) or superior. */
  grey: Uint8Array;
  /** uint8 [height, width], classes, nearest voxel. */
  label?: Uint8Array;
  /** What lies at the left of the picture: the patient's right or front. */
  left: 'R' | 'A';
}

/** [slices, rows, columns] as indices of [z, y, x]; rows and columns are shown from their far end. */
const planes: { axes: Triple; left: Pane['left'] }[] = [
  { axes: [0, 1, 2], left: 'R' },
  { axes: [1, 0, 2], left: 'R' },
  { axes: [2, 0, 1], left: 'A' },
];

/**
 * @param volume and label on one grid
 * @param window intensities shown as black and white
 * @param side of the square that each picture fits into, in pixels
 */
export function panesOf(
  { data, shape, spacing }: Pick<Volume, 'data' | 'shape' | 'spacing'>,
  label: Pick<Label, 'data'> | undefined,
  window: { low: number; high: number },
  side: number,
): Pane[] {
  const shown = middles(shape, label?.data);
  const strides = [shape[1] * shape[2], shape[2], 1];
  const millimetres = shape.map((size, axis) => size * spacing[axis]);
  // One scale for the three, so that they fit together.
  const scale = side / Math.max(...millimetres);
  return planes.map(({ axes: [slices, rows, columns], left }) => {
    const [h, w] = [shape[rows], shape[columns]];
    const [height, width] = [rows, columns].map((axis) => Math.max(1, Math.round(millimetres[axis] * scale)));
    const start = shown[slices] * strides[slices];
    // Rows and columns run to Anterior, Superior and Right: all are turned round.
    const place = (row: number, column: number) =>
      start + (h - 1 - row) * strides[rows] + (w - 1 - column) * strides[columns];

    const native = new Float32Array(h * w);
    for (let row = 0, i = 0; row < h; row++)
      for (let column = 0; column < w; column++, i++) native[i] = data[place(row, column)];
    const taps = (from: number, to: number) => tapsOf(to, (o) => ((o + 0.5) * from) / to - 0.5, from / to, 0, from);
    const fine = new Float32Array(height * width);
    resample(native, w, taps(h, height), taps(w, width), 0, fine);
    const grey = Uint8Array.from(fine, (value) =>
      Math.max(0, Math.min(255, (255 * (value - window.low)) / (window.high - window.low || 1))),
    );
    if (!label) return { width, height, grey, left };

    const nearest = new Uint8Array(height * width);
    const at = (o: number, from: number, to: number) => Math.min(from - 1, Math.floor(((o + 0.5) * from) / to));
    for (let y = 0, i = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++) nearest[i] = label.data[place(at(y, h, height), at(x, w, width))];
    return { width, height, grey, label: nearest, left };
  });
}

/** For each of [z, y, x] the slice across it with most labelled voxels. */
function middles(shape: Triple, label: Uint8Array | undefined): number[] {
  const [nz, ny, nx] = shape;
  const areas = shape.map((size) => new Uint32Array(size));
  for (let z = 0, i = 0; label && z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++)
        if (label[i] > 0) {
          areas[0][z]++;
          areas[1][y]++;
          areas[2][x]++;
        }
  return areas.map((counts) => {
    const most = Math.max(...counts);
    return most === 0 ? Math.floor(counts.length / 2) : counts.indexOf(most);
  });
}
