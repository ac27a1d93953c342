/** Initial values, repeatable by seed: every module in a tree draws from one generator in the tree's order. */
import { random } from '../core/index.js';
import { Generator, noGrad, operator } from '../torch/index.js';
import type { Module } from './module.js';

const uniform = operator('aten::uniform_');
const normal = operator('aten::normal_');

/**
 * Fills every parameter of the tree with its layer's initial values, PyTorch's defaults; equal seeds and names give equal
 * values.
 *
 * @param name of the random stream
 */
export function initialiseModule(module: Module, seed: number, name: string): void {
  using generator = new Generator(random(seed, 'initialise', name).seed());
  noGrad(() => {
    for (const [, part] of module.modules())
      part.reset({
        uniform: (target, bound) => uniform(target, -bound, bound, { generator }),
        normal: (target, deviation) => normal(target, 0, deviation, { generator }),
      });
  });
}
