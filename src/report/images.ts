/** The image panels: for a case the slices through its structures, with the outlines of the reference and of models. */
import type { Drawn, Outlined } from './data.js';
import { listed } from './format.js';
import { isEmpty } from './labels.js';
import { html, type Markup } from './markup.js';
import type { PageImages, PagePanel, PageSlice } from './page-data.js';
import { cssColour, outlineColour } from './palette.js';
import { drawSlices } from './slices.js';

const outlines: Record<Outlined, { label: string; sample: string }> = {
  truth: { label: 'Reference', sample: 'wide line' },
  source: { label: 'Source model', sample: 'dashed line' },
  adapted: { label: 'Adapted model', sample: 'thin solid line' },
  frozen: { label: 'Base model', sample: 'dashed line' },
  local: { label: 'Local model', sample: 'dashed line' },
  federated: { label: 'Federated model', sample: 'thin solid line' },
};

const rank = ['best', 'median', 'worst'];

const convention =
  'The pictures are cut to the surroundings of the reference. Radiological convention: image left is the patient’s right (R) in axial and coronal slices, anterior (A) in sagittal ones.';

/** The legend, and a row for each case of the groups that have some. */
export const imagePanels = ({ about, groups, ...drawn }: PageImages): Markup =>
  html`<p>${about} ${convention}</p>
${legend(drawn)}
${groups
  .filter(({ panels }) => panels.length > 0)
  .map(
    ({ title, panels }) => html`<h3>${title}</h3>
<div class="panels">${[...panels]
      .sort((a, b) => rank.indexOf(a.which) - rank.indexOf(b.which))
      .map((one) => panel(title, one, drawn))}</div>
`,
  )}`;

/** Line styles say whose an outline is; of several structures colours say which. */
export function legend({ outlined, classes }: Pick<Drawn, 'outlined' | 'classes'>): Markup {
  const several = classes.length > 1;
  const colour = (of: Outlined) => cssColour(several ? [224, 229, 233] : outlineColour(of, 1, 1));
  return html`<ul class="legend">${outlined.map(
    (of) => html`<li><svg viewBox="0 0 44 16" role="img" aria-label="${outlines[of].sample}"><rect width="44"
 height="16" rx="3"/><path class="${of}" stroke="${colour(of)}" d="M6 8H38"/></svg> ${outlines[of].label}</li>
`,
  )}${
    several
      ? classes.map(
          (name, i) => html`<li><svg viewBox="0 0 44 16" aria-hidden="true"><rect width="44" height="16" rx="3"/><rect
 x="6" y="5" width="32" height="6" rx="2" fill="${cssColour(outlineColour('truth', i + 1, classes.length))}"/></svg> ${name}</li>
`,
        )
      : undefined
  }</ul>`;
}

function panel(group: string, one: PagePanel, drawn: Drawn): Markup {
  const { which, name, slices, lines } = one;
  const planes = listed(slices.map(({ plane }) => plane));
  const label = `${group}, ${which} case ${name}: ${planes} slice with outlines. ${lines.join('. ')}.`;
  const [first, ...rest] = lines;
  return html`<figure class="panel"><figcaption><b class="which">${which}</b> <span class="case">${name}</span><br>
${first}${[...rest, ...remarks(slices, drawn.outlined)].map(
  (text) => html`<br>
<span class="muted">${text}</span>`,
)}</figcaption>
<div class="wide">${drawSlices(slices, drawn, label)}</div></figure>
`;
}

/** What the pictures leave out. */
function remarks(slices: readonly PageSlice[], drawn: readonly Outlined[]): string[] {
  return drawn.flatMap((key) => {
    const { label } = outlines[key];
    if (slices.every(({ labels }) => labels[key] === undefined)) return [`${label}: none.`];
    const cut = slices.filter((one) => one.cut.includes(key));
    const beyond =
      cut.length > 0 ? [`${label}: more beyond the edge of the ${listed(cut.map(({ plane }) => plane))} slice.`] : [];
    const empty = slices.filter(({ labels }) => labels[key] !== undefined && isEmpty(labels[key]));
    if (empty.length === slices.length) return [`${label}: nothing in these slices.`, ...beyond];
    return empty.length > 0
      ? [`${label}: nothing in the ${listed(empty.map(({ plane }) => plane))} slice.`, ...beyond]
      : beyond;
  });
}
