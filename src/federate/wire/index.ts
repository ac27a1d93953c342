/** How tensors travel: number formats, payloads, error feedback. */
import { int8 } from './int8.js';
import { bf16, fp32 } from './plain.js';

/**
 * Number formats by name: `fp32` as they are, `bf16` rounded, `int8` with a bfloat16 scale for each group of numbers. What a
 * lossy format loses is carried into the next round.
 */
export const wireFormats = { fp32, bf16, int8 };
export const wireNames = ['fp32', 'bf16', 'int8'] as const;

export * from './compression.js';
export * from './feedback.js';
export type { Coded, WireFormat } from './format.js';
export { groupSize } from './int8.js';
export {
  type CodedState,
  decodePayload,
  encodePayload,
  encodePieces,
  type Payload,
} from './payload.js';
export { PayloadFile } from './payload-file.js';
