/**
 * `ffa`: FFA-LoRA (Sun et al. 2024, arXiv 2403.12313). A keeps its first, random values at all sites, B alone is trained
 * and sent: the mean of B's is then exact, Σ wₖ BₖA = (Σ wₖBₖ)A, at half the traffic.
 */
import { type Aggregation, aggregateByName } from './aggregation.js';
import { factorOf } from './pairs.js';

export const ffa: Aggregation = {
  personal: () => false,
  trains: (name) => factorOf(name) !== 'a',
  aggregate: aggregateByName,
};
