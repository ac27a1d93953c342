/**
 * Slices side by side as one drawing in millimetres, so that all are at one scale: grey values as PNG, outlines above them,
 * letters at the sides (radiological convention) and a scale bar.
 *
 * An outline is drawn between pixels; smoothing beyond marching squares is left out, so that it stays checkable.
 */
import { contourPath, traceMask } from './contour.js';
import type { Drawn, Plane } from './data.js';
import { unpackLabels } from './labels.js';
import { html, type Markup } from './markup.js';
import type { PageSlice } from './page-data.js';
import { cssColour, heatScale, outlineColour } from './palette.js';

/** At the left and the right of a slice: right, left, anterior, posterior. */
const sides: Record<Plane, [left: string, right: string]> = {
  axial: ['R', 'L'],
  coronal: ['R', 'L'],
  sagittal: ['A', 'P'],
};

/** Between two slices, as a share of the drawing's width without gaps. */
const GAP = 0.012;

/** The drawing; what it shows is told in `label` to those who do not see it. */
export function drawSlices(slices: readonly PageSlice[], drawn: Drawn, label: string): Markup {
  const sizes = slices.map(({ width, height, pixelSpacing: [y, x] }) => ({ width: width * x, height: height * y }));
  const bare = sizes.reduce((sum, { width }) => sum + width, 0);
  const gap = round(bare * GAP);
  const [width, height] = [bare + gap * (slices.length - 1), Math.max(...sizes.map((size) => size.height))];
  // One slice is shown as large as three are wide.
  const letter = round(width * (slices.length > 1 ? 0.018 : 0.055));
  let next = 0;
  const placed = slices.map((slice, i) => {
    const x = next;
    next += sizes[i].width + gap;
    return html`<g data-plane="${slice.plane}" transform="translate(${round(x)} ${round((height - sizes[i].height) / 2)})">${drawSlice(slice, drawn)}${sideLetters(
      sides[slice.plane],
      sizes[i].width,
      letter,
    )}</g>
`;
  });
  return html`<svg class="slices" viewBox="0 0 ${round(width)} ${round(height)}" role="img" aria-label="${label}">
${placed}${scaleBar(sizes[0].width, height, letter)}</svg>`;
}

function drawSlice(
  { plane, width, height, pixelSpacing: [y, x], png, labels, heat }: PageSlice,
  { outlined, classes, heat: heated = false, cross }: Drawn,
): Markup {
  const paths = outlined.flatMap((key) =>
    outlinesOf(labels[key], width, height).map(({ label, d }) => {
      const colour = cssColour(outlineColour(key, label, classes.length));
      return html`<path class="${key}" stroke="${colour}" d="${d}"/>`;
    }),
  );
  return html`<g transform="scale(${x} ${y})"><image width="${width}" height="${height}" preserveAspectRatio="none"
 href="data:image/png;base64,${png}"/>${heated && heat !== undefined ? heatPaths(heat, width, height) : undefined}<g
 transform="scale(0.5)">${paths}</g>${cross?.[plane] && crossPath(cross[plane], width, height)}</g>`;
}

/** A shape for each step of the scale, of the runs of pixels that are so far off. */
function heatPaths(packed: string, width: number, height: number): Markup {
  const quarters = unpackLabels(packed, width * height);
  const stepOf = (quarter: number) => (quarter === 0 ? -1 : heatScale.findIndex(([below]) => quarter / 4 < below));
  const paths = heatScale.map(() => '');
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; ) {
      const step = stepOf(quarters[row * width + column]);
      let end = column + 1;
      while (end < width && stepOf(quarters[row * width + end]) === step) end++;
      if (step >= 0) paths[step] += `M${column} ${row}h${end - column}v1h${column - end}z`;
      column = end;
    }
  return html`${paths.map((d, i) => (d === '' ? undefined : html`<path class="heat" fill="${cssColour(heatScale[i][1])}" d="${d}"/>`))}`;
}

/** Two lines that leave the middle free. */
function crossPath([row, column]: readonly [number, number], width: number, height: number): Markup {
  const [x, y, gap] = [column + 0.5, row + 0.5, Math.max(width, height) / 40];
  const d = `M0 ${y}H${x - gap}M${x + gap} ${y}H${width}M${x} 0V${y - gap}M${x} ${y + gap}V${height}`;
  return html`<path class="cross" d="${d}"/>`;
}

const sideLetters = ([left, right]: [string, string], width: number, size: number): Markup =>
  html`${[
    [size, left],
    [width - size, right],
  ].map(
    ([x, text]) =>
      html`<text class="side" x="${round(Number(x))}" y="${round(size * 1.1)}" font-size="${size}">${text}</text>`,
  )}`;

/** Of a round length, about a quarter of the first slice, at its bottom. */
function scaleBar(width: number, height: number, letter: number): Markup {
  const power = 10 ** Math.floor(Math.log10(width / 4));
  const length = [5, 2, 1].map((factor) => factor * power).find((one) => one <= width / 4)!;
  const text = length < 1 ? `${Number(length.toPrecision(1))} mm` : `${Math.round(length)} mm`;
  const [x, y] = [round(letter * 0.6), round(height - letter * 0.8)];
  return html`<path class="scale-halo" d="M${x} ${y}h${length}"/><path class="scale" d="M${x} ${y}h${length}"/>
<text class="side scale-text" x="${x}" y="${round(y - letter * 0.75)}" font-size="${letter}">${text}</text>`;
}

const round = (value: number) => Math.round(value * 100) / 100;

/** Around each label by itself, so that the border of two structures shows. */
function outlinesOf(packed: string | undefined, width: number, height: number): { label: number; d: string }[] {
  if (packed === undefined) return [];
  const labels = unpackLabels(packed, width * height);
  const present = [...new Set(labels)].filter((label) => label > 0).sort((a, b) => a - b);
  const inside = (label: number) => labels.map((value) => (value === label ? 1 : 0));
  return present.map((label) => ({ label, d: contourPath(traceMask(inside(label), width, height)) }));
}
