/** Unsupervised adaptation of a segmentation network to other scanners. */
export * from './consistency.js';
