/** What a federation's report shows of its scores and its traffic: plain values by plan, regime and site. */

/** Over seeds; the standard deviation is 0 for a single one. */
export interface Spread {
  mean: number;
  sd: number;
  values: number[];
}

/** By site, and `mean` over the sites. */
export type BySite = Record<string, Spread>;

/** Each site alone, all cases in one place, in rounds. */
export type Regime = 'local' | 'centralised' | 'federated';

export interface RegimeScores {
  dice: BySite;
  surfaceDice: BySite;
  /** Dice by site and class. */
  classes: Record<string, Record<string, Spread>>;
}

export interface Traffic {
  rounds: number;
  /** Bytes to and from all sites, messages included, as the ledgers have them; means over the seeds. */
  down: number;
  up: number;
  total: number;
  perRound: number;
  /** How many times less than everything would: `measured` where a plan `full` ran, otherwise its tensors as float32. */
  reduction: { factor: number; against: 'measured' | 'computed' };
}

export interface PlanSummary {
  name: string;
  label: string;
  trainedParameters: number;
  /** What a site exchanges in a round; null without the federated regime. */
  travellingParameters: number | null;
  /** Of `local` every site's own model on the site's own cases. */
  regimes: Partial<Record<Regime, RegimeScores>>;
  /** Every site's cases under all local models: their mean Dice. */
  localModels: BySite | null;
  /** Dice of the federated model above that of the site's own, paired by seed. */
  gain: BySite | null;
  traffic: Traffic | null;
}

export interface FederationSummary {
  toleranceMm: number;
  seeds: number[];
  sites: string[];
  classes: string[];
  plans: PlanSummary[];
}
