/** Learning with labels: fine-tuning by a plan, at one site or in one place, and pretraining on generated scenes. */
export { finetuneErrors } from './errors.js';
export * from './gradients.js';
export * from './local.js';
export * from './loss.js';
export { type Pretraining, pretrain, pretrainingSchema } from './pretrain.js';
export * from './schedule.js';
export * from './train.js';
