/**
 * Low-rank factors by their names: `….lora_w_a_q.0.weight` belongs to `….lora_w_b_q.0.weight`, `….lora_w_a.0.weight` to
 * `….lora_w_b.0.weight`, `….lora_A` to `….lora_B`. The update of the adapted layer is a multiple of B·A, with
 * A [rank, in] and B [out, rank].
 */

/** The two factors of one update, by name. */
export interface Pair {
  a: string;
  b: string;
}

const pattern = /^((?:.*\.)?lora_(?:w_)?)([abAB])((?:_[a-z0-9]+)?(?:\.\d+)?(?:\.weight)?)$/;

/** Which factor a tensor is by its name; undefined for everything else. */
export const factorOf = (name: string): 'a' | 'b' | undefined =>
  pattern.exec(name)?.[2].toLowerCase() as 'a' | 'b' | undefined;

/** The pairs of which both factors are among the names, in order. */
export function pairsOf(names: Iterable<string>): Pair[] {
  const all = new Set(names);
  return [...all].sort().flatMap((a) => {
    const [, before, letter, after] = pattern.exec(a) ?? [];
    if (letter?.toLowerCase() !== 'a') return [];
    const b = `${before}${letter === 'a' ? 'b' : 'B'}${after}`;
    return all.has(b) ? [{ a, b }] : [];
  });
}
