/**
 * Reports as one HTML file each: gather plain values, render, write.
 *
 * Two whole pages, `renderReport` and `renderFederationReport`; and the pieces that they are made of, for pages of another
 * kind: `renderPage` takes sections, and every piece is a function from values to a section or its content.
 */
export { comparisonSection, dataTable, renderComparison } from './comparison.js';
export { curveGrid, curvesSection } from './curves.js';
export type * from './data.js';
export { type Drawn, sourceMethod } from './data.js';
export { notesSection, type Page, renderPage, type Section, summarySection } from './document.js';
export { type FederationReport, renderFederationReport } from './federation.js';
export { bytes, change, fixed, listed } from './format.js';
export { imagesSection } from './images.js';
export type { LedgerCell, LedgerTable } from './ledger.js';
export { html, type Markup } from './markup.js';
export { renderReport } from './page.js';
export { encodePng } from './png.js';
export { provenanceSection } from './provenance.js';
export { drawnSlice } from './raster.js';
export type * from './regime-data.js';
