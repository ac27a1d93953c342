/** A slice with its outlines as one picture, for viewers that show pictures only. */
import type { Outlined, ReportSlice } from './data.js';
import { encodePng } from './png.js';

type Colour = readonly [red: number, green: number, blue: number];

/** As in the report's style. */
const colours: Record<Outlined, Colour> = {
  truth: [240, 228, 66],
  source: [232, 96, 28],
  local: [232, 96, 28],
  adapted: [86, 180, 233],
  federated: [86, 180, 233],
};

/** About how long the longer side becomes, in pixels: an outline is one pixel wide. */
const SIDE = 512;

/** In physical proportions; later outlines hide earlier ones where they meet. */
export function drawnSlice(
  { width, height, pixelSpacing: [stepY, stepX], image, masks }: ReportSlice,
  drawn: readonly Outlined[],
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
  for (const key of drawn) {
    const mask = masks[key];
    if (!mask) continue;
    for (let row = 0; row < high; row++)
      for (let column = 0; column < wide; column++) {
        const here = mask[sourceOf(row, column)];
        const isEdge =
          here > 0 &&
          [-1, 1].some(
            (step) =>
              row + step < 0 ||
              row + step >= high ||
              column + step < 0 ||
              column + step >= wide ||
              mask[sourceOf(row + step, column)] !== here ||
              mask[sourceOf(row, column + step)] !== here,
          );
        if (isEdge) pixels.set(colours[key], 3 * (row * wide + column));
      }
  }
  return { width: wide, height: high, png: encodePng(pixels, wide, high, 3) };
}
