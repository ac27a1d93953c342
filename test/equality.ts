/** Arrays of the same bytes are equal. To look at their elements one by one takes vitest seconds for each million. */
import { expect } from 'vitest';

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);

expect.addEqualityTesters([
  (a: unknown, b: unknown) => {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
    // Where bytes differ vitest decides: two NaN may differ in theirs, and what differs is to be shown.
    return Buffer.compare(bytesOf(a), bytesOf(b)) === 0 || undefined;
  },
]);
