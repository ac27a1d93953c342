/**
 * A site's update: weights as they are in an exact wire format, otherwise their difference from what the site received,
 * which is small and so loses little. The coordinator takes none that it cannot use.
 */
import type { GraftError } from '../core/index.js';
import { disposeState, type State } from '../nn/index.js';
import { scope, type Tensor } from '../torch/index.js';
import type { Contribution } from './aggregation/index.js';
import { federateError } from './errors.js';
import type { Label } from './global.js';
import type { RoundTask } from './messages.js';
import { allFinite } from './state-bytes.js';
import { type CodedState, decodePayload, encodePayload, type Payload, send, wireFormats } from './wire/index.js';

/**
 * What a site sends of its tensors, and what the wire format dropped of them.
 *
 * @param sent the network's tensors
 * @param global what the site started from
 * @param residue what was dropped before
 * @throws GraftError UPDATE_DIVERGED
 */
export function packUpdate(
  task: RoundTask,
  site: string,
  sent: State,
  global: State,
  residue: State,
): { payload: Payload; residue: State } {
  const { round, base, plan, aggregation, wire, compression } = task;
  const format = wireFormats[wire];
  const values: State = new Map();
  for (const [name, value] of sent) {
    const own = scope(() => {
      const copy = value.detach().to({ device: 'cpu', dtype: 'float32' });
      return format.lossy && global.has(name) ? copy.sub(global.get(name)!) : copy.clone();
    });
    if (!allFinite(own)) throw federateError('UPDATE_DIVERGED', { site, round, tensor: name });
    values.set(name, own.keep());
  }
  const { coded, seen, residue: dropped } = send(values, format, residue);
  for (const state of [values, seen]) disposeState(state);
  const metadata = {
    ...{ format: 'graft-federation', site, round: String(round), base, plan, aggregation, wire },
    content: format.lossy ? 'differences' : 'weights',
  };
  return { payload: encodePayload(coded, format, metadata, compression), residue: dropped };
}

export interface Update {
  site: string;
  /** A tensor as the site has it, float32 and new. */
  read: Contribution['read'];
  /** Frobenius norm of what the site changed. */
  norm: number;
}

/** What names and rounds an update must have. */
export interface Expected {
  round: number;
  site: string;
  names: readonly string[];
  /** What the site started from. */
  global: State;
}

/** @throws GraftError PAYLOAD_INVALID with the reason */
export function readUpdate(bytes: Uint8Array, label: Label, expected: Expected): Update {
  const { config, base, plan } = label;
  const { round, site, names, global } = expected;
  const format = wireFormats[config.wire];
  const invalid = (reason: string) => federateError('PAYLOAD_INVALID', { from: site, reason });
  // Headers, scales and names are far smaller than this beside what is expected.
  const limit = 2 ** 20 + names.reduce((sum, name) => sum + 5 * global.get(name)!.size + 1024, 0);
  const { coded, metadata } = decodePayload(bytes, format, config.compression, { limit, from: site });
  const wanted = { site, round: String(round), base, plan };
  for (const [key, value] of Object.entries(wanted))
    if (metadata[key] !== value) throw invalid(`its ${key} is ${metadata[key]} instead of ${value}`);
  checkNames(coded, names, global, invalid);

  const read = (name: string): Tensor | undefined => {
    const one = coded.get(name);
    if (!one) return undefined;
    return scope(() => {
      const value = format.decode(one);
      return format.lossy ? value.add(global.get(name)!) : value;
    });
  };
  let square = 0;
  for (const name of names)
    scope(() => {
      const value = read(name)!;
      if (!allFinite(value)) throw invalid(`${name} holds values that are no finite numbers`);
      square += value.to('float64').sub(global.get(name)!).norm().item() ** 2;
    });
  return { site, read, norm: Math.sqrt(square) };
}

function checkNames(
  coded: CodedState,
  names: readonly string[],
  global: State,
  invalid: (reason: string) => GraftError,
): void {
  const missing = names.find((name) => !coded.has(name));
  if (missing) throw invalid(`it has no ${missing}`);
  const wanted = new Set(names);
  for (const [name, { shape }] of coded) {
    if (!wanted.has(name)) throw invalid(`it has ${name}, which was not asked for`);
    const [found, expected] = [shape, global.get(name)!.shape].map((sizes) => `[${sizes.join(', ')}]`);
    if (found !== expected) throw invalid(`${name} is ${found} instead of ${expected}`);
  }
}
