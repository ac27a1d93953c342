/**
 * The image panels: a grey slice as PNG with the outlines of truth, source and adapted model above it, in physical
 * proportions and radiological convention.
 *
 * An outline is drawn between pixels; smoothing beyond marching squares is left out, so that it stays checkable.
 */
import { contourPath, traceMask } from './contour.js';
import type { ReportCase, ReportData } from './data.js';
import { change, fixed } from './format.js';
import { html, type Markup, type Part } from './markup.js';
import { encodePng } from './png.js';

const outlines = [
  { key: 'truth', label: 'Reference', sample: 'wide line' },
  { key: 'source', label: 'Source model', sample: 'dashed line' },
  { key: 'adapted', label: 'Adapted model', sample: 'thin solid line' },
] as const;

const rank = ['best', 'median', 'worst'];

/** The legend, and a row of panels for each target: its best, median and worst case. */
export function imagePanels(data: ReportData): Markup {
  const labelOf = (name: string) => data.methods.find((method) => method.name === name)?.label ?? name;
  const rows = data.targets.map((target) => {
    const cases = data.cases
      .filter((item) => item.target === target)
      .sort((a, b) => rank.indexOf(a.which) - rank.indexOf(b.which));
    if (cases.length === 0) return undefined;
    return html`<h3>${target}</h3>
<div class="panels">${cases.map((item) => panel(item, labelOf(item.method)))}</div>
`;
  });
  return html`<ul class="legend">${outlines.map(
    ({ key, label, sample }) => html`<li><svg viewBox="0 0 44 16" role="img" aria-label="${sample}"><rect width="44"
 height="16" rx="3"/><path class="${key}" d="M6 8H38"/></svg> ${label}</li>`,
  )}</ul>
${rows}`;
}

function panel({ which, name, target, surfaceDice, sourceSurfaceDice, slice }: ReportCase, method: string): Markup {
  const { width, height, pixelSpacing, masks } = slice;
  const [spacingY, spacingX] = pixelSpacing;
  const [millimetresX, millimetresY] = [width * spacingX, height * spacingY];
  const paths = outlines.map(({ key, label }) => {
    const mask = masks[key];
    return { key, label, given: mask !== undefined, d: mask ? contourPath(traceMask(mask, width, height)) : '' };
  });
  const remarks = paths
    .filter(({ d }) => d === '')
    .map(({ label, given }) => ` ${label}: ${given ? 'nothing in this slice' : 'none'}.`);
  const scores = `surface Dice ${fixed(surfaceDice)}, source ${fixed(sourceSurfaceDice)}`;
  const size = Math.max(millimetresX, millimetresY) * 0.055;
  const side = (x: number, letter: string): Part =>
    html`<text class="side" x="${x}" y="${size * 1.1}" font-size="${size}">${letter}</text>`;
  const png = encodePng(slice.image, width, height).toString('base64');

  return html`<figure class="panel"><svg viewBox="0 0 ${millimetresX} ${millimetresY}" role="img" aria-label="${target}, ${
    which
  } case ${name}: slice with outlines, ${scores}. Image left is the patient’s right.">
<g transform="scale(${spacingX} ${spacingY})"><image width="${width}" height="${height}" preserveAspectRatio="none"
 href="data:image/png;base64,${png}"/>
<g transform="scale(0.5)">${paths.map(({ key, d }) => d && html`<path class="${key}" d="${d}"/>`)}</g></g>
${side(size, 'R')}${side(millimetresX - size, 'L')}</svg>
<figcaption><b class="which">${which}</b> <span class="case">${name}</span><br>
${method} ${fixed(surfaceDice)}<br>
<span class="muted">Source ${fixed(sourceSurfaceDice)}, change ${change(surfaceDice, sourceSurfaceDice)}</span>${remarks.length > 0 ? html`<br><span class="muted">${remarks}</span>` : undefined}</figcaption></figure>
`;
}
