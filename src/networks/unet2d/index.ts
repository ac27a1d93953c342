/** The 2D U-Net and its early segmentation head. */
export * from './config.js';
export * from './early-head.js';
export { unet2d } from './family.js';
export { unetAdapterSchema, unetMethods, unetPlans } from './plans.js';
export * from './unet2d.js';
