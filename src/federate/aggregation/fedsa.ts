/**
 * `fedsa`: FedSA-LoRA (Guo et al. 2025, arXiv 2410.01463). Both factors are trained, A alone is shared: it holds what sites
 * have in common, while every site keeps a B of its own. The coordinator never sees a product, so there is no aggregation
 * error to state, and the model of a site is complete only with that site's B.
 */
import { type Aggregation, aggregateByName } from './aggregation.js';
import { factorOf } from './pairs.js';

export const fedsa: Aggregation = {
  personal: (name) => factorOf(name) === 'b',
  trains: () => true,
  aggregate: aggregateByName,
};
