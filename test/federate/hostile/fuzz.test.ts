/** Whatever bytes come, decoders give what they stand for or an error that their callers expect. `bench/fuzz.mjs` tries a million. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as chain from '../../../src/audit/chain.js';
import * as lines from '../../../src/audit/lines.js';
import * as signature from '../../../src/audit/signature.js';
import { GraftError, random } from '../../../src/core/index.js';
import * as book from '../../../src/federate/book.js';
import * as corrections from '../../../src/federate/corrections.js';
import * as federate from '../../../src/federate/index.js';
import * as ledger from '../../../src/federate/ledger.js';
import * as messages from '../../../src/federate/messages.js';
import * as reception from '../../../src/federate/reception.js';
import * as epoch from '../../../src/federate/sealing/epoch.js';
import * as parcel from '../../../src/federate/sealing/parcel.js';
import * as sealedState from '../../../src/federate/sealing/sealed-state.js';
import * as sealedTask from '../../../src/federate/sealing/sealed-task.js';
import * as signing from '../../../src/federate/signing.js';
import * as states from '../../../src/federate/state-bytes.js';
import * as update from '../../../src/federate/update.js';
import * as wire from '../../../src/federate/wire/index.js';
import * as torch from '../../../src/torch/index.js';
import { fuzzedDecoders } from './fuzzed.mjs';

const parts = {
  generateKeyPairSync,
  ...chain,
  ...lines,
  ...signature,
  ...epoch,
  ...parcel,
  ...sealedState,
  ...sealedTask,
  ...torch,
  ...federate,
  ...ledger,
  ...signing,
  ...states,
  ...update,
  ...wire,
  ...book,
  ...corrections,
  ...messages,
  ...reception,
};
const decoders = fuzzedDecoders(parts);

describe('a decoder', () => {
  it.each(Object.keys(decoders))('of %s throws no error that its caller does not expect', (name) => {
    const { make, decode, codes } = decoders[name];
    const property = fc.property(fc.nat(), (seed) => {
      try {
        decode(make(random(seed, name)));
      } catch (error) {
        expect(error).toBeInstanceOf(GraftError);
        expect(codes).toContain((error as GraftError).code);
      }
    });
    fc.assert(property, { numRuns: 300, seed: 1 });
  });
});
