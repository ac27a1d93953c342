/** Methods and runs side by side: statistics, tables, and every score as CSV. */
export { type CaseTable, caseTable } from './cases.js';
export * from './compare.js';
export * from './csv.js';
export { type ComparisonEntry, meanWhereMeasured } from './entry.js';
export { compareErrors } from './errors.js';
export * from './evaluation.js';
export * from './gap.js';
export * from './latex.js';
export * from './markdown.js';
export * from './measures.js';
export * from './tables.js';
