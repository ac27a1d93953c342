/** Segment Anything: the image encoder, the prompt encoder, the mask decoder and their checkpoints. */
export * from './checkpoint.js';
export { type SamArchitecture, type SamConfig, samArchitectures, samConfig, samSchema } from './config.js';
export { samErrors } from './errors.js';
export { sam } from './family.js';
export * from './image-attention.js';
export * from './image-encoder.js';
export * from './mask-decoder.js';
export { samAdapterSchema, samPlans } from './plans.js';
export * from './prompt-encoder.js';
export { padWithMean, publishedConfig, takeUnitImages } from './published.js';
export * from './sam.js';
export * from './two-way.js';
