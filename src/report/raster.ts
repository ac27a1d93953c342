/** A slice with its outlines as one picture, for viewers that show pictures only. */
import type { Drawn, Outlined, ReportSlice } from './data.js';
import { outlineColour } from './palette.js';
import { encodePng } from './png.js';

/** About how long the longer side becomes, in pixels. */
const SIDE = 512;

/** Whether a pixel of an outline is drawn: as on the page the reference is wide, and the model before is dashed. */
const styles: Record<Outlined, { half: number; dashed: boolean }> = {
  truth: { half: 2, dashed: false },
  source: { half: 1, dashed: true },
  frozen: { half: 1, dashed: true },
  local: { half: 1, dashed: true },
  adapted: { half: 1, dashed: false },
  federated: { half: 1, dashed: false },
};

/** In physical proportions; later outlines hide earlier ones where they meet. */
export function drawnSlice(
  { width, height, pixelSpacing: [stepY, stepX], image, masks }: ReportSlice,
  { outlined, classes }: Drawn,
): { width: number; height: number; png: Buffer } {
  const scale = SIDE / Math.max(width * stepX, height * stepY);
  const [wide, high] = [Math.round(width * stepX * scale), Math.round(height * stepY * scale)].map((n) =>
    Math.max(1, n),
  );
  /** The pixel of the slice that one of the picture shows. */
  const sourceOf = (row: number, column: number) =>
    Math.floor((row * height) / high) * width + Math.floor((column * width) / wide);
  const pixels = new Uint8Array(wide * high * 3);
  for (let row = 0, i = 0; row < high; row++)
    for (let column = 0; column < wide; column++, i += 3) pixels.fill(image[sourceOf(row, column)], i, i + 3);
  for (const key of outlined) {
    const mask = masks[key];
    if (!mask) continue;
    const { half, dashed } = styles[key];
    const labelAt = (row: number, column: number) =>
      row < 0 || row >= high || column < 0 || column >= wide ? 0 : mask[sourceOf(row, column)];
    for (let row = 0; row < high; row++)
      for (let column = 0; column < wide; column++) {
        const here = labelAt(row, column);
        if (here === 0 || (dashed && (row + column) % 10 > 5)) continue;
        const isEdge = [-half, half].some(
          (step) => labelAt(row + step, column) !== here || labelAt(row, column + step) !== here,
        );
        if (isEdge) pixels.set(outlineColour(key, here, classes.length), 3 * (row * wide + column));
      }
  }
  return { width: wide, height: high, png: encodePng(pixels, wide, high, 3) };
}
