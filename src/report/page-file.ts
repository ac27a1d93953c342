/**
 * The page as one HTML file: data and program in it, nothing loaded from anywhere. A server's page is the same file, but
 * that its program comes from the server and hears of changes.
 *
 * The content security policy names the program and the style by their digests, so that no name in the data could ever
 * load or run anything.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { html, Markup } from './markup.js';
import { type PageData, pageSchema } from './page-data.js';
import { pageJson, parsePageJson } from './page-json.js';
import { style } from './style.js';

/** What the build makes of `page/`. */
export const programFolder = new URL('../../dist/page/', import.meta.url);
const made = (name: string) => readFileSync(new URL(name, programFolder), 'utf8');
const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const opening = '<script type="application/json" id="data">';

/** @param live the page is a server's, which offers `app.js` and, when the data change, says so */
export function renderPageFile(data: PageData, { live = false } = {}): { text: string; policy: string } {
  const looks = style + made('app.css');
  const program = live ? '' : made('app.js');
  const policy = [
    "default-src 'none'",
    `script-src ${live ? "'self'" : digest(program)}`,
    `style-src ${digest(looks)}`,
    'img-src data: blob:',
    ...(live ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const { title, description, headline } = data;
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Markup(looks)}</style>
</head>
<body>
<div id="page"></div>
<noscript><header><h1>${title}</h1><p class="description">${description}</p></header><main><p class="headline">${headline?.sentence}</p>
<p>The rest of this page is drawn by a script in this file, which this browser does not run.</p></main></noscript>
${new Markup(opening)}${new Markup(pageJson(data).replaceAll('<', '\\u003c'))}</script>
${live ? new Markup('<script type="module" src="app.js"></script>') : new Markup(`<script type="module">${program}</script>`)}
</body>
</html>
`.text;
  return { text, policy };
}

/** The data in a page's file; undefined where it is none of these. @throws z.ZodError, SyntaxError where it is damaged */
export function readPageFile(text: string): PageData | undefined {
  const from = text.indexOf(opening);
  if (from < 0) return undefined;
  const json = text.slice(from + opening.length, text.indexOf('</script>', from));
  return pageSchema.parse(parsePageJson(json));
}
