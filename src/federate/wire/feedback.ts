/**
 * Error feedback (Seide et al. 2014; Karimireddy et al. 2019): what a lossy format dropped is added to what is sent next
 * time, so that small changes add up instead of being rounded away for good.
 */
import type { State } from '../../nn/index.js';
import { operator, scope, type Tensor } from '../../torch/index.js';
import type { WireFormat } from './format.js';
import type { CodedState } from './payload.js';

const finite = operator('aten::nan_to_num') as (x: Tensor, nan: number, infinity: number, minus: number) => Tensor;

export interface Sent {
  coded: CodedState;
  /** The numbers that the receiver will see; the sender goes on with the same. The caller owns them. */
  seen: State;
  /** What was dropped, by name; empty for exact formats. The caller owns it. */
  residue: State;
}

/**
 * Codes tensors for sending.
 *
 * @param values float32 on the CPU
 * @param residue of the last time; names that it lacks dropped nothing
 */
export function send(values: State, format: WireFormat, residue: State): Sent {
  const sent: Sent = { coded: new Map(), seen: new Map(), residue: new Map() };
  for (const [name, value] of values) {
    const [seen, dropped] = scope((): [Tensor, Tensor | undefined] => {
      const before = residue.get(name);
      const wanted = before ? value.add(before) : value;
      const coded = format.encode(wanted);
      sent.coded.set(name, coded);
      const seen = format.decode(coded);
      // A number that is none must not come back in every later round.
      return [seen, format.lossy ? finite(wanted.sub(seen), 0, 0, 0) : undefined];
    });
    sent.seen.set(name, seen.keep());
    if (dropped) sent.residue.set(name, dropped.keep());
  }
  return sent;
}

/** The numbers of a payload, float32. The caller owns them. */
export const receive = (coded: CodedState, format: WireFormat): State =>
  new Map([...coded].map(([name, one]) => [name, scope(() => format.decode(one)).keep()]));
