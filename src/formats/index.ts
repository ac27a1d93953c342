/** File formats of tensors, as plain bytes: safetensors (read, written) and PyTorch checkpoints (read). */
export * from './checkpoint.js';
export { formatErrors } from './errors.js';
export { readPth } from './pth.js';
export { PthGlobal, PthStorage, PthTensor, type PthValue } from './pth-value.js';
export { elementCount, itemSizes, type RawTensor } from './raw-tensor.js';
export * from './safetensors.js';
export type { TensorInfo } from './safetensors-header.js';
