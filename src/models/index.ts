/** Network architectures. */
export * from './unet/index.js';
