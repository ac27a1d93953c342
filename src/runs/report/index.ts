/** A run's report as one HTML file: gather `ReportData`, render, write. */
export type * from './data.js';
export { sourceMethod } from './data.js';
export { renderReport } from './page.js';
