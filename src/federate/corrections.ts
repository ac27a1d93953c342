/** What a round adds to frozen weights, as it travels: tensors named after the factors that they belong to. */
import { disposeState, type State } from '../nn/index.js';
import { type Correction, pairsOf } from './aggregation/index.js';
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

/** Hands the corrections over, whose tensors are freed afterwards. */
export function withCorrections(
  coded: CodedState,
  format: WireFormat,
  use: (corrections: readonly Correction[]) => void,
): void {
  const tensors = receive(coded, format);
  try {
    use(correctionsOf(tensors));
  } finally {
    disposeState(tensors);
  }
}
