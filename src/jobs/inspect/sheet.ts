/**
 * The contact sheet: every case as three small slices with its label's outline, by site. A case that cannot be read has
 * its place, too, with the reason.
 */
import type { Pane } from '../../data/index.js';
import { Canvas, type Colour } from './canvas.js';
import { glyphHeight } from './font.js';

export interface Tile {
  site: string;
  name: string;
  /** A line under the name: size and spacing, or the code of a fault. */
  caption: string;
  /** Whether the caption tells a fault. */
  faulty: boolean;
  /** None where the case cannot be read. */
  panes: Pane[];
}

/** Side of the square that a slice is fitted into, in pixels. */
export const paneSide = 120;

const gap = 4;
const margin = 12;
const columns = 4;
const line = glyphHeight + 4;
const tileWidth = 3 * paneSide + 2 * gap;
const tileHeight = paneSide + gap + 2 * line;

const background: Colour = [24, 24, 27];
const frame: Colour = [0, 0, 0];
const heading: Colour = [250, 250, 250];
const words: Colour = [212, 212, 216];
const faint: Colour = [140, 140, 150];
const fault: Colour = [255, 110, 100];
/** Of the outlines, by class. Told apart by colour-blind readers, too, and from grey (Okabe and Ito). */
const classColours: Colour[] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [213, 94, 0],
  [204, 121, 167],
];

/** @param tiles those of a site one after another @returns the bytes of a PNG file */
export function drawSheet(title: string, tiles: readonly Tile[]): Buffer {
  const sites = [...new Set(tiles.map(({ site }) => site))];
  const groups = sites.map((site) => ({ site, members: tiles.filter((tile) => tile.site === site) }));
  const across = Math.min(columns, Math.max(1, ...groups.map(({ members }) => members.length)));
  const heights = groups.map(
    ({ members }) => 2 * line + Math.ceil(members.length / across) * (tileHeight + margin) + margin,
  );
  const width = margin + across * (tileWidth + margin);
  const height = heights.reduce((sum, one) => sum + one, 2 * margin + line);
  const canvas = new Canvas(width, height, background);
  canvas.text(title, margin, margin, faint, width - 2 * margin);

  let top = 2 * margin + line;
  groups.forEach(({ site, members }, g) => {
    canvas.text(`${site} (${members.length})`, margin, top, heading, width - 2 * margin);
    members.forEach((tile, i) => {
      const x = margin + (i % across) * (tileWidth + margin);
      drawTile(canvas, tile, x, top + 2 * line + Math.floor(i / across) * (tileHeight + margin));
    });
    top += heights[g];
  });
  return canvas.png();
}

function drawTile(canvas: Canvas, { name, caption, faulty, panes }: Tile, left: number, top: number): void {
  for (let p = 0; p < 3; p++) {
    const [x, y] = [left + p * (paneSide + gap), top];
    for (let i = 0; i < paneSide ** 2; i++) canvas.set(x + (i % paneSide), y + Math.floor(i / paneSide), frame);
    if (panes[p]) drawPane(canvas, panes[p], x, y);
  }
  canvas.text(name, left, top + paneSide + gap, words, tileWidth);
  canvas.text(caption, left, top + paneSide + gap + line, faulty ? fault : faint, tileWidth);
}

/** In the middle of its square. */
function drawPane(canvas: Canvas, pane: Pane, left: number, top: number): void {
  const { width, height, grey, label } = pane;
  const [x0, y0] = [left + Math.floor((paneSide - width) / 2), top + Math.floor((paneSide - height) / 2)];
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const colour = label && isOutline(pane, x, y) ? classColours[(label[i] - 1) % classColours.length] : undefined;
      canvas.set(x0 + x, y0 + y, colour ?? [grey[i], grey[i], grey[i]]);
    }
  canvas.text(pane.left, left + 2, top + 2, faint);
}

/** A labelled pixel with a neighbour of another class, or at the border. */
function isOutline({ width, height, label }: Pane, x: number, y: number): boolean {
  const own = label![y * width + x];
  const at = (x: number, y: number) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : label![y * width + x]);
  return own > 0 && [at(x - 1, y), at(x + 1, y), at(x, y - 1), at(x, y + 1)].some((other) => other !== own);
}
