/** Network architectures. */
export * from './sam/index.js';
export * from './unet/index.js';
