/**
 * A report's page: one HTML file that needs nothing else, neither network nor script, and looks the same for ever.
 *
 * The content security policy forbids what the file does not need, so that no name in it could ever load or run anything.
 */
import type { Headline } from './data.js';
import { html, Markup } from './markup.js';
import { style } from './style.js';

export interface Section {
  id: string;
  title: string;
  /** Absent: there is nothing to show. */
  content: Markup | false;
}

export interface Page {
  title: string;
  description: string;
  sections: readonly Section[];
}

/** The whole document, the same for the same content. */
export function renderPage({ title, description, sections: all }: Page): string {
  const sections = all.filter((section) => section.content !== false);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header><h1>${title}</h1>
<p class="description">${description}</p></header>
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="main">
${sections.map(
  ({ id, title, content }) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content || undefined}</section>
`,
)}</main>
<footer></footer>
</body>
</html>
`.text;
}

/** The first section: what is certain. */
export const summarySection = ({ sentence, more }: Headline): Section => ({
  id: 'summary',
  title: 'Summary',
  content: html`<p class="headline">${sentence}</p>${more.map(
    (text) => html`
<p>${text}</p>`,
  )}`,
});

/** Warnings and limits in plain words. */
export const notesSection = (notes: readonly string[]): Section => ({
  id: 'limits',
  title: 'Limits',
  content: notes.length > 0 && html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`,
});
