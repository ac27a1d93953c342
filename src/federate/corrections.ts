/** What a round adds to frozen weights, as it travels: tensors named after the factors that they belong to. */
import { disposeState, type State } from '../nn/index.js';
import { type Correction, pairsOf } from './aggregation/index.js';
import { type CodedState, receive, send, type WireFormat } from './wire/index.js';

export function codeCorrections(corrections: readonly Correction[], format: WireFormat): CodedState {
  const tensors: State = new Map(
    corrections.flatMap(({ a, b, factors }) => [
      [a, factors.a],
      [b, factors.b],
    ]),
  );
  const { coded, seen, residue } = send(tensors, format, new Map());
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
    use(pairsOf(tensors.keys()).map(({ a, b }) => ({ a, b, factors: { a: tensors.get(a)!, b: tensors.get(b)! } })));
  } finally {
    disposeState(tensors);
  }
}
