/** Fine-tuning of Segment Anything to volumes: training, prediction, prompts, models and adapters as files. */
export * from './adapter.js';
export { finetuneError, finetuneErrors } from './errors.js';
export * from './gradients.js';
export * from './local.js';
export * from './loss.js';
export * from './predict.js';
export type { Preparation } from './preparation.js';
export { type Pretraining, pretrain, pretrainingSchema } from './pretrain.js';
export { ClassEntropy, profileOfCases } from './profile.js';
export { type Prompt, type PromptedMask, promptSchema, segmentWithPrompt } from './prompt.js';
export { loadPublishedSam, type Scaling, scalings } from './published.js';
export * from './schedule.js';
export { loadSam, type SamParts, SamSegmenter } from './segmenter.js';
export * from './train.js';
export * from './validate.js';
