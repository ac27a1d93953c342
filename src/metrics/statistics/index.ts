/** Statistics of scores: descriptions, intervals, paired tests, correction for several of them. */
export * from './bootstrap.js';
export * from './describe.js';
export * from './holm.js';
export * from './normal.js';
export * from './sample.js';
export * from './wilcoxon.js';
