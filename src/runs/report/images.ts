/**
 * The image panels: a grey slice as PNG with the outlines of the reference and of two models above it, in physical
 * proportions and radiological convention.
 *
 * An outline is drawn between pixels; smoothing beyond marching squares is left out, so that it stays checkable.
 */
import { contourPath, traceMask } from './contour.js';
import type { Outlined, ReportCase, ReportData, ReportSlice } from './data.js';
import { change, fixed } from './format.js';
import { html, type Markup, type Part } from './markup.js';
import { encodePng } from './png.js';

const outlines: Record<Outlined, { label: string; sample: string }> = {
  truth: { label: 'Reference', sample: 'wide line' },
  source: { label: 'Source model', sample: 'dashed line' },
  adapted: { label: 'Adapted model', sample: 'thin solid line' },
  local: { label: 'Local model', sample: 'dashed line' },
  federated: { label: 'Federated model', sample: 'thin solid line' },
};

const rank = ['best', 'median', 'worst'];

export interface Panel {
  which: 'best' | 'median' | 'worst';
  name: string;
  slice: ReportSlice;
  /** What a reader who does not see the picture is told beside the case's name. */
  scores: string;
  /** Lines below the name. */
  caption: Markup;
}

/** The adaptation experiment's panels. */
export function imagePanels(data: ReportData): Markup {
  const labelOf = (name: string) => data.methods.find((method) => method.name === name)?.label ?? name;
  const panelOf = ({ surfaceDice, sourceSurfaceDice, method, ...rest }: ReportCase): Panel => ({
    ...rest,
    scores: `surface Dice ${fixed(surfaceDice)}, source ${fixed(sourceSurfaceDice)}`,
    caption: html`${labelOf(method)} ${fixed(surfaceDice)}<br>
<span class="muted">Source ${fixed(sourceSurfaceDice)}, change ${change(surfaceDice, sourceSurfaceDice)}</span>`,
  });
  const groups = data.targets.map((target) => ({
    title: target,
    panels: data.cases.filter((item) => item.target === target).map(panelOf),
  }));
  return panelGroups(['truth', 'source', 'adapted'], groups);
}

/** The legend, and a row of panels for each group that has some. */
export function panelGroups(drawn: readonly Outlined[], groups: readonly { title: string; panels: Panel[] }[]): Markup {
  return html`<ul class="legend">${drawn.map(
    (key) => html`<li><svg viewBox="0 0 44 16" role="img" aria-label="${outlines[key].sample}"><rect width="44"
 height="16" rx="3"/><path class="${key}" d="M6 8H38"/></svg> ${outlines[key].label}</li>`,
  )}</ul>
${groups
  .filter(({ panels }) => panels.length > 0)
  .map(
    ({ title, panels }) => html`<h3>${title}</h3>
<div class="panels">${[...panels]
      .sort((a, b) => rank.indexOf(a.which) - rank.indexOf(b.which))
      .map((one) => panel(title, one, drawn))}</div>
`,
  )}`;
}

function panel(group: string, { which, name, slice, scores, caption }: Panel, drawn: readonly Outlined[]): Markup {
  const { width, height, pixelSpacing, masks } = slice;
  const [spacingY, spacingX] = pixelSpacing;
  const [millimetresX, millimetresY] = [width * spacingX, height * spacingY];
  const paths = drawn.map((key) => {
    const mask = masks[key];
    return {
      key,
      label: outlines[key].label,
      given: mask !== undefined,
      d: mask ? outlineOf(mask, width, height) : '',
    };
  });
  const remarks = paths
    .filter(({ d }) => d === '')
    .map(({ label, given }) => ` ${label}: ${given ? 'nothing in this slice' : 'none'}.`);
  const size = Math.max(millimetresX, millimetresY) * 0.055;
  const side = (x: number, letter: string): Part =>
    html`<text class="side" x="${x}" y="${size * 1.1}" font-size="${size}">${letter}</text>`;
  const png = encodePng(slice.image, width, height).toString('base64');

  return html`<figure class="panel"><svg viewBox="0 0 ${millimetresX} ${millimetresY}" role="img" aria-label="${group}, ${
    which
  } case ${name}: slice with outlines, ${scores}. Image left is the patient’s right.">
<g transform="scale(${spacingX} ${spacingY})"><image width="${width}" height="${height}" preserveAspectRatio="none"
 href="data:image/png;base64,${png}"/>
<g transform="scale(0.5)">${paths.map(({ key, d }) => d && html`<path class="${key}" d="${d}"/>`)}</g></g>
${side(size, 'R')}${side(millimetresX - size, 'L')}</svg>
<figcaption><b class="which">${which}</b> <span class="case">${name}</span><br>
${caption}${remarks.length > 0 ? html`<br><span class="muted">${remarks}</span>` : undefined}</figcaption></figure>
`;
}

/** Around each label by itself, so that the border of two structures shows. */
function outlineOf(labels: Uint8Array, width: number, height: number): string {
  const present = [...new Set(labels)].filter((label) => label > 0).sort((a, b) => a - b);
  const inside = (label: number) => labels.map((value) => (value === label ? 1 : 0));
  return present.map((label) => contourPath(traceMask(inside(label), width, height))).join('');
}
