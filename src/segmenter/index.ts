/** Models and adapters of every family: their files, prediction, prompts, validation, and what they say of their source. */
export { type Adapter, adapterBytes, loadAdapter, planNamed, planOf, saveAdapter } from './adapter.js';
export { domainOf, firstNorms, statisticsOfVolume } from './domain.js';
export { segmenterErrors } from './errors.js';
export { exportPeft, exportWeights } from './export.js';
export { loadFoundation, loadSegmenter, saveSegmenter } from './file.js';
export { labelledLoss, probabilitiesOf, segmentationLoss, softCrossEntropy } from './loss.js';
export * from './predict.js';
export { profileOfCases } from './profile.js';
export { type Prompt, type PromptedMask, promptSchema, segmentWithPrompt } from './prompt.js';
export { profileOfReference, type SourceReference, sourceReferenceSchema } from './reference.js';
export { Segmenter, type SegmenterParts } from './segmenter.js';
export { Sureness } from './sureness.js';
export { type Validation, validate } from './validate.js';
