/** What the receiver and the thread of its models say to each other. */
import type { SeriesWords } from '../data/index.js';
import type { ImageSource, Mask } from '../jobs/index.js';
import type { Choice } from './rules.js';

/** What a thread begins with. */
export interface Start {
  /** The receiver's folder, where its audit file is. */
  root: string;
  given: Readonly<Record<string, unknown>>;
  audit: string | undefined;
  device: string;
  threads: number;
  /** File with codes of classes. */
  codes: string | undefined;
  report: boolean;
  empty: boolean;
}

export type Request =
  /** Loads a choice, to see that it fits together. */
  | { kind: 'check'; choice: Choice }
  | { kind: 'look'; images: string }
  | { kind: 'segment'; choice: Choice; source: ImageSource; masks: string };

/** A series of a study. */
export interface SeenSeries {
  source: ImageSource;
  words: SeriesWords;
  /** Of all that its images are. */
  digest: string;
}

export interface Segmented {
  masks: Mask[];
  /** Masks and reports that were written, by their names. */
  files: string[];
  /** Code of the error, where there is no mask. */
  failure: { code: string; exitCode: number } | undefined;
}

export interface Values {
  check: undefined;
  look: SeenSeries[];
  segment: Segmented;
}
