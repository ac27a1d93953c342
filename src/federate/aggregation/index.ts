/** Aggregations by name. */
import type { Aggregation } from './aggregation.js';
import { fedex } from './fedex.js';
import { fedsa } from './fedsa.js';
import { ffa } from './ffa.js';
import { flora } from './flora.js';
import { krum, multiKrum } from './krum.js';
import { loraFair } from './lora-fair.js';
import { mean } from './mean.js';
import { productSvd } from './product-svd.js';
import { rolora } from './rolora.js';

/** The names of `aggregations`, which docs/methods.md explains. */
export const aggregationNames = [
  ...(['mean', 'product-svd', 'ffa', 'fedex', 'fedsa', 'rolora', 'flora', 'lora-fair'] as const),
  ...(['krum', 'multi-krum'] as const),
] as const;
export type AggregationName = (typeof aggregationNames)[number];

/** All aggregations by name; each file beside this one says where its mathematics comes from. */
export const aggregations: Record<AggregationName, Aggregation> = {
  mean,
  'product-svd': productSvd,
  ffa,
  fedex,
  fedsa,
  rolora,
  flora,
  'lora-fair': loraFair,
  krum,
  'multi-krum': multiKrum,
};

export * from './aggregation.js';
export { type Agreement, WatchedUpdates } from './agreement.js';
export * from './combine.js';
export { type Factors, factorise, type Gauge, gauges } from './gauge.js';
export * from './low-rank.js';
export * from './pairs.js';
export * from './product.js';
