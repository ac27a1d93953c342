/**
 * A site's update: weights as they are in an exact wire format, otherwise their difference from what the site received,
 * which is small and so loses little. The coordinator takes none that it cannot use.
 */
import { shownName } from '../core/index.js';
import { disposeState, type State } from '../nn/index.js';
import { operator, scope, type Tensor } from '../torch/index.js';
import type { Contribution } from './aggregation/index.js';
import type { Blobs } from './blobs.js';
import { federateError } from './errors.js';
import type { Label } from './global.js';
import type { BlobReference, RoundTask } from './messages.js';
import { allFinite } from './state-bytes.js';
import {
  type Coded,
  type CodedState,
  decodePayload,
  encodePayload,
  type Payload,
  PayloadFile,
  send,
  type WireFormat,
  wireFormats,
} from './wire/index.js';

/**
 * What a site sends of its tensors, and what the wire format dropped of them.
 *
 * @param sent the network's tensors
 * @param global what the site started from
 * @param residue what was dropped before
 * @throws GraftError UPDATE_DIVERGED
 */
export function packUpdate(
  task: Omit<RoundTask, 'chosen' | 'taken'>,
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

/** What names and rounds an update must have. */
export interface Expected {
  round: number;
  site: string;
  names: readonly string[];
  /** What the site started from. */
  global: State;
}

/**
 * Most bytes of a payload of tensors, before and after compression, with ample room for headers, scales and names. The
 * receiver goes by this limit, not by the length that the sender states.
 */
export const payloadLimit = (tensors: Iterable<Tensor>): number => {
  let limit = 2 ** 20;
  for (const { size } of tensors) limit += 5 * size + 1024;
  return limit;
};
const limitOf = ({ names, global }: Expected) => payloadLimit(names.map((name) => global.get(name)!));

/**
 * Decodes an update, tensor by tensor, and decides whether it can be used.
 *
 * @param bytes as they travelled
 * @returns the Frobenius norm of what the site changed
 * @throws GraftError PAYLOAD_INVALID with the reason
 */
export function judgeUpdate(bytes: Uint8Array, { config, base, plan }: Label, expected: Expected): number {
  const { round, site, names, global } = expected;
  const format = wireFormats[config.wire];
  const invalid = (reason: string) => federateError('PAYLOAD_INVALID', { from: site, reason });
  const { coded, metadata } = decodePayload(bytes, format, config.compression, {
    limit: limitOf(expected),
    from: site,
  });
  const wanted = { site, round: String(round), base, plan };
  for (const [key, value] of Object.entries(wanted))
    if (metadata[key] !== value)
      throw invalid(`its ${key} is ${shownName(metadata[key] ?? 'missing')} instead of ${value}`);
  checkTensors(coded, new Map(names.map((name) => [name, global.get(name)!])), site);

  let square = 0;
  for (const name of names)
    scope(() => {
      const value = decoded(coded.get(name)!, name, format, global);
      const distance = norm(value.sub(global.get(name)!), { dtype: 'float64' }).item();
      if (!Number.isFinite(distance)) throw invalid(`${name} holds values that are no finite numbers`);
      square += distance ** 2;
    });
  const all = Math.sqrt(square);
  const { maxNorm } = config;
  if (maxNorm !== null && all > maxNorm) throw invalid(`their norm is ${all.toPrecision(3)}, more than ${maxNorm}`);
  return all;
}

/** The Frobenius norm, computed in the element type that is given, without a copy in that type. */
const norm = operator('aten::linalg_vector_norm') as (x: Tensor, options: { dtype: 'float64' }) => Tensor;

/** A tensor as the site has it, float32 and new. */
const decoded = (coded: Coded, name: string, format: WireFormat, global: State): Tensor =>
  scope(() => {
    const value = format.decode(coded);
    return format.lossy ? value.add(global.get(name)!) : value;
  });

/**
 * Opens updates that were judged when they came and kept: tensors are read from the disk when they are asked for.
 *
 * @throws GraftError BLOB_DAMAGED
 */
export function updateOpener(blobs: Blobs, { config }: Label): (blob: BlobReference, of: Expected) => Read {
  const format = wireFormats[config.wire];
  const known = new Map();
  return (blob, expected) => {
    const payload = new PayloadFile(blobs.plain(blob, config.compression, limitOf(expected)), format, known);
    return (name) => {
      const coded = payload.read(name);
      return coded && decoded(coded, name, format, expected.global);
    };
  };
}

type Read = Contribution['read'];

/** @param wanted tensors of the names and shapes that there must be @param from who sent it @throws GraftError PAYLOAD_INVALID */
export function checkTensors(coded: CodedState, wanted: State, from: string): void {
  const invalid = (reason: string) => federateError('PAYLOAD_INVALID', { from, reason });
  for (const name of wanted.keys()) if (!coded.has(name)) throw invalid(`it has no ${name}`);
  for (const [name, { shape }] of coded) {
    const own = wanted.get(name);
    if (!own) throw invalid(`it has ${shownName(name)}, which was not asked for`);
    const [found, expected] = [shape, own.shape].map((sizes) => `[${sizes.join(', ')}]`);
    if (found !== expected) throw invalid(`${name} is ${found} instead of ${expected}`);
  }
}
