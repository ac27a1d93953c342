/** What training takes, whichever network it trains. */
export interface TrainOptions {
  /** The file that is written. */
  out: string;
  resume: boolean;
  sites: string[];
  classes: string[];
  augment: boolean;
  seed: number;
  device: string;
  /** Folder of prepared slices; undefined: they are held in memory. */
  cache: string | undefined;
  /** What was given of the training's settings. */
  training: Record<string, unknown>;
}
