/**
 * The image panels: for a case the slices through its structures with the outlines of the reference and of two models, and
 * where the recipe asks for them the surfaces in three dimensions.
 */
import type { Outlined, ReportCase, ReportData, ReportSlice, ReportSurface } from './data.js';
import { change, fixed, listed } from './format.js';
import { html, type Markup } from './markup.js';
import { encodePng } from './png.js';
import { drawSlices } from './slices.js';

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
  slices: ReportSlice[];
  surfaces: ReportSurface[];
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
  return panelGroups(['truth', 'source', 'adapted'], groups, data.toleranceMm);
}

/** What the sentence above the panels says of the sides. */
export const convention =
  'Radiological convention: image left is the patient’s right (R) in axial and coronal slices, anterior (A) in sagittal ones.';

/** The legend, and a row for each case of the groups that have some. @param toleranceMm of the surfaces' colours */
export function panelGroups(
  drawn: readonly Outlined[],
  groups: readonly { title: string; panels: Panel[] }[],
  toleranceMm: number,
): Markup {
  const shaded = groups.some(({ panels }) => panels.some(({ surfaces }) => surfaces.length > 0));
  return html`<ul class="legend">${drawn.map(
    (key) => html`<li><svg viewBox="0 0 44 16" role="img" aria-label="${outlines[key].sample}"><rect width="44"
 height="16" rx="3"/><path class="${key}" d="M6 8H38"/></svg> ${outlines[key].label}</li>`,
  )}${
    shaded
      ? html`<li><svg viewBox="0 0 44 16" role="img" aria-label="orange"><rect class="far" width="44" height="16" rx="3"/></svg>
 Surface further than ${toleranceMm} mm from the reference</li>`
      : undefined
  }</ul>
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

function panel(group: string, one: Panel, drawn: readonly Outlined[]): Markup {
  const { which, name, slices, surfaces, scores, caption } = one;
  const planes = listed(slices.map(({ plane }) => plane));
  const label = `${group}, ${which} case ${name}: ${planes} slice with outlines, ${scores}. ${convention}`;
  return html`<figure class="panel"><figcaption><b class="which">${which}</b> <span class="case">${name}</span><br>
${caption}${remarks(slices, drawn).map(
  (text) => html`<br>
<span class="muted">${text}</span>`,
)}</figcaption>
<div>${drawSlices(slices, drawn, label)}
${surfaces.length > 0 ? html`<div class="surfaces">${surfaces.map((surface) => drawSurface(surface, `${group}, ${which} case ${name}`))}</div>` : undefined}</div></figure>
`;
}

/** What a reader would look for in vain. */
function remarks(slices: readonly ReportSlice[], drawn: readonly Outlined[]): string[] {
  return drawn.flatMap((key) => {
    const { label } = outlines[key];
    if (slices.every(({ masks }) => !masks[key])) return [`${label}: none.`];
    const empty = slices.filter(({ masks }) => masks[key] && !masks[key].some((value) => value > 0));
    if (empty.length === slices.length) return [`${label}: nothing in these slices.`];
    return empty.length > 0 ? [`${label}: nothing in the ${listed(empty.map(({ plane }) => plane))} slice.`] : [];
  });
}

function drawSurface({ of, from, width, height, pixels }: ReportSurface, what: string): Markup {
  const png = encodePng(pixels, width, height, 4).toString('base64');
  const text = `${outlines[of].label}, ${from}`;
  return html`<figure><img width="${width}" height="${height}" alt="${what}: surface of the ${text}" src="data:image/png;base64,${png}">
<figcaption>${text}</figcaption></figure>`;
}
