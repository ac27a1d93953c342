/** What a round adds to frozen weights, as it travels: tensors named after the factors that they belong to. */
import { shownName } from '../core/index.js';
import { disposeState, type State } from '../nn/index.js';
import { type Correction, pairsOf } from './aggregation/index.js';
import { federateError } from './errors.js';
import { allFinite } from './state-bytes.js';
import { type CodedState, receive, send, type WireFormat } from './wire/index.js';

/** The factors by name. Not copies. */
export const stateOf = (corrections: readonly Correction[]): State =>
  new Map(
    corrections.flatMap(({ a, b, factors }) => [
      [a, factors.a],
      [b, factors.b],
    ]),
  );

/** The inverse. Not copies. */
export const correctionsOf = (tensors: State): Correction[] =>
  pairsOf(tensors.keys()).map(({ a, b }) => ({ a, b, factors: { a: tensors.get(a)!, b: tensors.get(b)! } }));

export function codeCorrections(corrections: readonly Correction[], format: WireFormat): CodedState {
  const { coded, seen, residue } = send(stateOf(corrections), format, new Map());
  for (const state of [seen, residue]) disposeState(state);
  return coded;
}

/** Sizes that the factors of a correction may have: those of the receiver's pair, with a rank of at most the smaller side. */
function* sizesOf(own: State): Generator<{ a: string; b: string; inputs: number; out: number; rank: number }> {
  for (const { a, b } of pairsOf(own.keys())) {
    const [inputs, out] = [own.get(a)!.shape[1], own.get(b)!.shape[0]];
    yield { a, b, inputs, out, rank: Math.min(inputs, out) };
  }
}

/** Most bytes of the corrections of a round. @param own the tensors that travel */
export function correctionLimit(own: State): number {
  let limit = 2 ** 20;
  for (const { inputs, out, rank } of sizesOf(own)) limit += 5 * rank * (inputs + out) + 2048;
  return limit;
}

/** @throws GraftError PAYLOAD_INVALID */
function check(tensors: State, own: State): void {
  const invalid = (reason: string) => federateError('PAYLOAD_INVALID', { from: 'the coordinator', reason });
  const known = new Set<string>();
  for (const { a, b, inputs, out, rank } of sizesOf(own)) {
    const factors = [tensors.get(a), tensors.get(b)];
    if (!factors[0] && !factors[1]) continue;
    const [[k, ...x] = [], [y, ...l] = []] = factors.map((factor) => factor?.shape);
    const fits = x.join() === `${inputs}` && l.join() === `${k}` && y === out && k !== undefined && k <= rank;
    if (!fits) throw invalid(`the correction for ${a} and ${b} does not have their shape`);
    known.add(a).add(b);
  }
  const stray = [...tensors.keys()].find((name) => !known.has(name));
  if (stray !== undefined) throw invalid(`${shownName(stray)} corrects nothing here`);
  for (const [name, value] of tensors)
    if (!allFinite(value)) throw invalid(`${name} holds values that are no finite numbers`);
}

/**
 * Hands the corrections over, whose tensors are freed afterwards.
 *
 * @param own the tensors that travel, whose pairs may be corrected
 * @throws GraftError PAYLOAD_INVALID
 */
export function withCorrections(
  coded: CodedState,
  format: WireFormat,
  own: State,
  use: (corrections: readonly Correction[]) => void,
): void {
  const tensors = receive(coded, format);
  try {
    check(tensors, own);
    use(correctionsOf(tensors));
  } finally {
    disposeState(tensors);
  }
}
