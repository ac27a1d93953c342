import type { Random } from '../../../src/core/index.js';

type Parts = Pick<typeof import('node:crypto'), 'generateKeyPairSync'> &
  typeof import('../../../src/torch/index.js') &
  typeof import('../../../src/audit/chain.js') &
  typeof import('../../../src/audit/lines.js') &
  typeof import('../../../src/audit/signature.js') &
  typeof import('../../../src/federate/sealing/epoch.js') &
  typeof import('../../../src/federate/sealing/parcel.js') &
  typeof import('../../../src/federate/sealing/sealed-state.js') &
  typeof import('../../../src/federate/sealing/sealed-task.js') &
  typeof import('../../../src/federate/index.js') &
  typeof import('../../../src/federate/book.js') &
  typeof import('../../../src/federate/corrections.js') &
  typeof import('../../../src/federate/ledger.js') &
  typeof import('../../../src/federate/messages.js') &
  typeof import('../../../src/federate/reception.js') &
  typeof import('../../../src/federate/signing.js') &
  typeof import('../../../src/federate/state-bytes.js') &
  typeof import('../../../src/federate/update.js') &
  typeof import('../../../src/federate/wire/index.js');

export interface Decoder {
  make(draw: Random): Uint8Array;
  decode(bytes: Uint8Array): unknown;
  /** Those of errors that its caller expects: any other one would end it. */
  codes: readonly string[];
}

export function fuzzedDecoders(parts: Parts): Record<string, Decoder>;
