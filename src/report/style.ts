/**
 * The report's style sheet: light and dark after the reader's preference, always light on paper.
 *
 * Colours of data are Okabe and Ito's, which readers with any colour vision can tell apart (Color Universal Design, 2008),
 * some darker on white and some lighter on dark, for contrast.
 */
export const style = `
:root { color-scheme: light dark;
  --paper: #ffffff; --ink: #1b2127; --muted: #59636e; --rule: #d5dae0; --soft: #f4f6f8; --link: #00558c;
  --c0: #59636e; --c1: #0072b2; --c2: #d55e00; --c3: #009e73; --c4: #b0578d; --c5: #b87f00; --c6: #2f8fc7; }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #14181c; --ink: #e4e8ec; --muted: #9ca7b2; --rule: #353d45; --soft: #1d2329; --link: #7cc4f0;
  --c0: #9ca7b2; --c1: #56b4e9; --c2: #e8772e; --c3: #2fc296; --c4: #cc79a7; --c5: #e69f00; --c6: #f0e442; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif; }
header, main, nav { max-width: 1180px; margin: 0 auto; padding: 0 32px; }
header { padding-top: 48px; }
h1 { font-size: 2rem; line-height: 1.2; font-weight: 600; letter-spacing: -0.01em; margin: 0 0 12px; }
h2 { font-size: 1.375rem; font-weight: 600; margin: 0 0 20px; }
h3 { font-size: 1.0625rem; font-weight: 600; margin: 32px 0 12px; }
p { max-width: 46em; margin: 0 0 12px; }
h1, h3, p, li, td, figcaption { overflow-wrap: anywhere; } th { overflow-wrap: break-word; }
a { color: var(--link); text-underline-offset: 2px; }
.description, .muted, .key { color: var(--muted); }
.skip { position: absolute; left: -9999px; } .skip:focus { left: 16px; top: 16px; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 28px; list-style: none; margin: 20px 0 0; padding: 12px 0;
  border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); }
section { padding: 40px 0 16px; scroll-margin-top: 8px; }
.headline { font-size: 1.375rem; line-height: 1.45; max-width: 40em; }
.notes { margin: 0; padding: 16px 20px 16px 40px; background: var(--soft); border-left: 4px solid var(--c5); max-width: 60em; }
.notes li + li { margin-top: 8px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; font-weight: 600; padding: 0 0 10px; }
th, td { padding: 9px 20px 9px 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--rule); font-weight: 400; }
thead th { font-weight: 600; vertical-align: bottom; border-bottom: 1.5px solid var(--ink); }
.scroll { overflow-x: auto; margin-bottom: 36px; }
.scores { width: 100%; }
.scores td, .scores thead th:not(:first-child) { text-align: right; padding: 9px 36px 9px 12px; }
.scores td { white-space: nowrap; position: relative; }
.scores tfoot .mean > * { border-top: 1.5px solid var(--ink); } .scores tfoot .mean th { font-weight: 600; }
.scores .cost > * { color: var(--muted); }
.scores tbody tr:last-child > *, .scores tfoot tr:last-child > * { border-bottom: 0; }
.best { color: var(--ink); background: var(--soft); }
.after { position: absolute; left: calc(100% - 33px); font-size: 0.75em; line-height: 1.8; }
.after a { text-decoration: none; font-weight: 600; padding: 0 2px; }
.key { font-size: 0.875rem; max-width: none; }
.guard { list-style: none; padding: 0; font-size: 0.875rem; max-width: 60em; }
.guard li { margin-bottom: 6px; display: grid; grid-template-columns: 1.75em 1fr; }
.guard .mark { color: var(--link); font-weight: 600; }
.guard b { font-weight: 600; }
figure { margin: 0; }
.chart { display: block; width: 100%; height: auto; font-size: 12.5px; }
.overview { max-width: 960px; }
.chart text { fill: var(--ink); font-variant-numeric: tabular-nums; }
.chart .tick, .chart .axis-label { fill: var(--muted); }
.chart .group { font-weight: 600; font-size: 13.5px; }
.chart path { fill: none; }
.grid { stroke: var(--rule); }
.base { stroke: var(--muted); }
.reference { stroke: var(--c0); stroke-dasharray: 2 3; }
.line { stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.leader { stroke: var(--c); }
.whisker { stroke: var(--c); stroke-width: 1.75; }
.chart .marker, .dot { fill: var(--c); stroke: var(--paper); stroke-width: 1; }
${Array.from({ length: 7 }, (_, i) => `.c${i} { --c: var(--c${i}); }`).join(' ')}
.regimes tbody th[rowspan] { font-weight: 600; } .regimes tbody > tr > * { border-bottom: 0; }
.regimes tbody + tbody > tr:first-child > * { border-top: 1px solid var(--rule); }
.scores.regimes thead th:nth-child(2) { text-align: left; padding-left: 0; }
.scores.comparison td, .scores.comparison thead th:not(:first-child) { padding-right: 8px; }
.key + .scroll, figure + .scroll { margin-top: 36px; }
details { margin: 0 0 12px; } details > summary { cursor: pointer; font-weight: 600; padding: 8px 0; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 36px 44px; }
.curves h3 { margin-top: 0; } .curves figure { max-width: 640px; }
.legend { display: flex; flex-wrap: wrap; gap: 8px 28px; list-style: none; padding: 0; margin: 16px 0 0; }
.legend svg { width: 44px; height: 16px; vertical-align: -2px; margin-right: 6px; }
.panel { display: grid; grid-template-columns: 190px minmax(0, 1fr); gap: 20px; margin-bottom: 24px; }
.slices { display: block; width: 100%; max-height: 420px; background: #000; border-radius: 4px; }
.panel > figcaption { font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.which { text-transform: capitalize; font-weight: 600; margin-right: 4px; }
.slices path:not(.heat), .legend path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
path.truth { stroke-width: 4.5; stroke-opacity: 0.6; }
path.source, path.frozen, path.local { stroke-width: 1.5; stroke-dasharray: 5 4; }
path.adapted, path.federated { stroke-width: 1.5; }
.slices .heat { fill-opacity: 0.62; stroke: none; } .slices .cross { stroke: #9fd3ff; stroke-width: 1; stroke-opacity: 0.7; }
.slices .scale { stroke: #fff; stroke-width: 3; } .slices .scale-halo { stroke: #000; stroke-width: 5; }
.side { fill: #fff; stroke: #000; stroke-width: 3px; vector-effect: non-scaling-stroke; paint-order: stroke; font-weight: 600;
  text-anchor: middle; dominant-baseline: central; } .scale-text { text-anchor: start; }
.provenance th { color: var(--muted); padding-right: 32px; white-space: nowrap; }
.provenance code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace; }
pre { background: var(--soft); padding: 12px 16px; margin: 0 0 24px; white-space: pre-wrap; overflow-wrap: anywhere; max-width: 60em; }
details .provenance th, details .provenance td { padding-top: 4px; padding-bottom: 4px; }
.code-head { font-weight: 600; margin-bottom: 8px; }
footer { height: 56px; }
@media (max-width: 760px) { header, main, nav { padding-left: 16px; padding-right: 16px; } .panel { grid-template-columns: 1fr; gap: 8px; }
  .wide { overflow-x: auto; } .wide .slices { min-width: 620px; } .provenance th { white-space: normal; padding-right: 16px; } }
@media print {
  @page { margin: 14mm; }
  body { font-size: 10.5pt; }
  header, main { padding: 0; max-width: none; } header { padding-top: 0; } section { padding: 18pt 0 0; }
  nav, .skip { display: none; }
  a { color: inherit; text-decoration: none; }
  h2, h3, caption { break-after: avoid; } figure, table, tr, .notes, .guard li { break-inside: avoid; }
  h1 { font-size: 20pt; } .headline, h2 { font-size: 14pt; }
  .scroll { overflow: visible; } .scores { font-size: 8pt; } .scores td { white-space: normal; }
  .scores td, .scores thead th:not(:first-child) { padding: 0 18px 0 0; }
  .scores tr > * { padding-top: 4pt !important; padding-bottom: 4pt !important; } .after { left: calc(100% - 17px); }
  .slices, .legend svg, .best, .notes { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
