/** How tensors travel: number formats, payloads, error feedback. */
import { int8 } from './int8.js';
import { bf16, fp32 } from './plain.js';

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
