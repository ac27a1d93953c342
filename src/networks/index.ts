/** Network architectures, a folder each. */
export * from './sam/index.js';
export * from './unet2d/index.js';
