/** A run's report as one HTML file: gather `ReportData` or `FederationReport`, render, write. */
export { comparisonSection, renderComparison } from './comparison.js';
export type * from './data.js';
export { sourceMethod } from './data.js';
export { type FederationReport, type LedgerCell, type LedgerTable, renderFederationReport } from './federation.js';
export { change, fixed } from './format.js';
export type { Panel } from './images.js';
export { html } from './markup.js';
export { reportOptionsSchema } from './options.js';
export { renderReport } from './page.js';
export { encodePng } from './png.js';
export { drawnSlice } from './raster.js';
export { drawSurfaces } from './surface/index.js';
