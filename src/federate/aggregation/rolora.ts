/**
 * `rolora`: RoLoRA (Chen et al. 2025, arXiv 2502.01755). Rounds take turns: B is trained and sent in the first, third, …,
 * A in the second, fourth, …; the other factor is the same everywhere, so the mean is exact at half the traffic. B begins,
 * because a B of zeros leaves A without a gradient.
 */
import { type Aggregation, aggregateByName } from './aggregation.js';
import { factorOf } from './pairs.js';

export const rolora: Aggregation = {
  personal: () => false,
  trains: (name, round) => factorOf(name) !== (round % 2 === 1 ? 'a' : 'b'),
  aggregate: aggregateByName,
};
