/**
 * `mean`: FedAvg of the factors themselves (McMahan et al. 2017, arXiv 1602.05629; for LoRA FedIT, arXiv 2305.05644).
 * Everything travels. The mean of products is not the product of means: the aggregation error says by how much.
 */
import { type Aggregation, aggregateByName } from './aggregation.js';

export const mean: Aggregation = {
  personal: () => false,
  trains: () => true,
  aggregate: aggregateByName,
};
