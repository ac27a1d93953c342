/** What a place that numbers are sent to has to do, and what a finished run leaves for it. */
import type { Picture } from './event.js';

/** What a finished run came to. No names of cases, no paths. */
export interface Outcome {
  /** Scores on unseen cases. */
  scores: { series: string[]; values: Record<string, number> }[];
  /** Slices with outlines, by series and name. */
  pictures: { series: string[]; name: string; picture: Picture }[];
  /** The report as HTML, without the names of cases. @param images with pictures of patients */
  report(images: boolean): string;
}

export interface Tracker {
  /** What a warning calls it. */
  readonly name: string;
  /** Passes on what the log has gained; rejects where that could not be done, and may be called again. */
  update(): Promise<void>;
  /** Passes on the rest, and what the run came to. */
  finish(outcome: Outcome): Promise<void>;
  /** The run ended before it was finished. */
  abandon(how: 'failed' | 'interrupted'): Promise<void>;
}
