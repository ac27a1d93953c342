/**
 * Reports as one HTML file each: gather plain values, render, write.
 *
 * A run's page is `PageData` in a file with the program that shows it (`page/`). Pages of other kinds are drawn here:
 * `renderPage` takes sections, and every piece is a function from values to a section or its content.
 */
export { aggregationOf } from './aggregation.js';
export { dataTable } from './comparison.js';
export { curvesSection } from './curves.js';
export type * from './data.js';
export { sourceMethod } from './data.js';
export { notesSection, type Page, renderPage, type Section, summarySection } from './document.js';
export { encodeGroups, encodeSlice } from './encode.js';
export { bytes, change, counted, fixed, listed } from './format.js';
export type { LedgerCell, LedgerTable } from './ledger.js';
export { html, type Markup } from './markup.js';
export type {
  PageCases,
  PageData,
  PageImages,
  PageScores,
  PageSelection,
  PageSite,
  PageSlice,
  PageStanding,
  PageWork,
} from './page-data.js';
export { programFolder, readPageFile, renderPageFile } from './page-file.js';
export { pageJson } from './page-json.js';
export { encodePng } from './png.js';
export { provenanceSection } from './provenance.js';
export { drawnSlice } from './raster.js';
export type * from './regime-data.js';
