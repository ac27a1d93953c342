/**
 * Fuzzed bytes for every decoder of a federation: `npm run build && node bench/fuzz.mjs [--count 1000000] [--seed 1]`.
 * Each decoder gets its share of the count; test/federate/hostile/fuzzed.mjs says how the bytes are made.
 *
 * Printed are, for each decoder, how many were taken and how many were refused by each error, the slowest, and by
 * how much the process's peak of memory rose. An error that a decoder's caller does not expect ends the program, with the bytes in hexadecimal.
 */
import { generateKeyPairSync } from 'node:crypto';
import { parseArgs } from 'node:util';
import * as chain from '../dist/audit/chain.js';
import * as lines from '../dist/audit/lines.js';
import * as signature from '../dist/audit/signature.js';
import { random } from '../dist/core/index.js';
import * as book from '../dist/federate/book.js';
import * as corrections from '../dist/federate/corrections.js';
import * as federate from '../dist/federate/index.js';
import * as ledger from '../dist/federate/ledger.js';
import * as messages from '../dist/federate/messages.js';
import * as reception from '../dist/federate/reception.js';
import * as epoch from '../dist/federate/sealing/epoch.js';
import * as parcel from '../dist/federate/sealing/parcel.js';
import * as sealedState from '../dist/federate/sealing/sealed-state.js';
import * as sealedTask from '../dist/federate/sealing/sealed-task.js';
import * as signing from '../dist/federate/signing.js';
import * as states from '../dist/federate/state-bytes.js';
import * as update from '../dist/federate/update.js';
import * as wire from '../dist/federate/wire/index.js';
import * as torch from '../dist/torch/index.js';
import { fuzzedDecoders } from '../test/federate/hostile/fuzzed.mjs';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
torch.setThreads(1);
const parts = { ...torch, ...federate, ...ledger, ...signing, ...states, ...update, ...wire, ...book };
const sealed = {
  generateKeyPairSync,
  ...chain,
  ...lines,
  ...signature,
  ...epoch,
  ...parcel,
  ...sealedState,
  ...sealedTask,
};
const decoders = Object.entries(fuzzedDecoders({ ...parts, ...corrections, ...messages, ...reception, ...sealed }));
const each = Math.ceil(Number(values.count) / decoders.length);
const peak = () => process.resourceUsage().maxRSS / 1024;
for (const [name, { make, decode, codes }] of decoders) {
  const draw = random(Number(values.seed), 'fuzz', name);
  /** @type {Map<string, number>} */
  const counts = new Map();
  let slowest = 0;
  const before = peak();
  for (let k = 0; k < each; k++) {
    const bytes = make(draw);
    const began = performance.now();
    let outcome = 'taken';
    try {
      decode(bytes);
    } catch (error) {
      if (error.name !== 'GraftError' || !codes.includes(error.code)) {
        console.error(`${name}: ${error.stack}\n${Buffer.from(bytes).toString('hex').slice(0, 4000)}`);
        process.exit(1);
      }
      outcome = error.code;
    }
    slowest = Math.max(slowest, performance.now() - began);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  const told = [...counts].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${count} ${outcome}`);
  const grown = peak() - before;
  console.log(`${name}: ${told.join(', ')}; slowest ${slowest.toFixed(1)} ms, +${grown.toFixed(0)} MiB`);
}
console.log(`${each * decoders.length} fuzzed, every error is one that is expected`);
