/** What the names of LoRA's factors tell: the weight, or the rows of a fused one, that a factor updates. */
import type { State } from '../../nn/index.js';

const pattern = /^(.*\.)?lora_w_a(?:_([qkv]))?\.\d+\.weight$/;

/** Whether a parameter is the factor A of a pair. */
export const isLoraFactor = (name: string): boolean => pattern.test(name);

/**
 * The rows of a stored weight that a factor belongs to: q, k and v are thirds of a fused layer.
 *
 * @param factor name of a factor A
 * @param weights parameters by name, with the weight among them
 */
export function loraWeightOf(factor: string, weights: State): { name: string; start: number; rows: number } {
  const [, path = '', letter] = pattern.exec(factor)!;
  const named = (layer: string) => `${path}${layer}weight`;
  const rowsOf = (name: string) => weights.get(name)!.shape[0];
  if (!letter) return { name: named(''), start: 0, rows: rowsOf(named('')) };
  const single = named(`${letter}_proj.`);
  if (weights.has(single)) return { name: single, start: 0, rows: rowsOf(single) };
  const fused = named('qkv.');
  const rows = rowsOf(fused) / 3;
  return { name: fused, start: 'qkv'.indexOf(letter) * rows, rows };
}
