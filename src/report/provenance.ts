/** The section that says how results were made, so that somebody else can make them again and tell whether they are the same. */
import type { Provenance } from './data.js';
import type { Section } from './document.js';
import { html, type Markup, type Part } from './markup.js';

export const provenanceSection = ({ facts, command, settings, files }: Provenance): Section => ({
  id: 'provenance',
  title: 'Provenance',
  content: html`${rows('How these results were made', facts)}${command === undefined ? undefined : html`<p class="code-head">Command</p><pre>${command}</pre>`}
${folded(
  'Settings',
  settings.map(([key, value]) => [html`<code>${key}</code>`, html`<code>${value}</code>`]),
)}${folded(
  'SHA-256 of models and adapters',
  files.map(({ name, sha256 }) => [name, html`<code>${sha256}</code>`]),
)}`,
});

/** @param headed with its title above it */
const rows = (title: string, all: readonly (readonly [Part, Part])[], headed = true): Markup =>
  html`<div class="scroll" role="region" aria-label="${title}" tabindex="0"><table class="provenance">${
    headed ? html`<caption>${title}</caption>` : undefined
  }<tbody>${all.map(
    ([label, value]) => html`<tr><th scope="row">${label}</th><td>${value}</td></tr>
`,
  )}</tbody></table></div>`;

const folded = (title: string, all: readonly (readonly [Part, Part])[]): Part =>
  all.length > 0
    ? html`<details><summary>${title}</summary>
${rows(title, all, false)}</details>
`
    : undefined;
