/** Parameter-efficient fine-tuning: small trained parts beside a frozen base. */
export * from './adabn.js';
export type { AdapterPiece, Attached } from './attached.js';
export * from './channel-statistics.js';
export * from './convlora/config.js';
export * from './convlora/inject.js';
export { peftErrors } from './errors.js';
export * from './fact/config.js';
export { attachFact, factPieces } from './fact/inject.js';
export * from './lora/config.js';
export { attachLora, loraPieces } from './lora/inject.js';
export { isLoraFactor, loraWeightOf } from './lora/names.js';
export * from './low-rank.js';
export * from './plan.js';
export * from './slice-adapter/config.js';
export { attachSliceAdapters, sliceAdapterPieces } from './slice-adapter/inject.js';
