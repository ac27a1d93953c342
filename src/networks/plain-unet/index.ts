/** nnU-Net's plain U-Net in two dimensions. */
export { type PlainUNetConfig, plainUNetSchema } from './config.js';
export { plainUNet } from './family.js';
export * from './plain-unet.js';
export { plainUNetAdapterSchema, plainUNetPlans } from './plans.js';
