/** A difference between sites that calls for a choice before training. */

export interface DataWarning {
  topic: 'orientation' | 'plane' | 'spacing' | 'size' | 'intensity' | 'labels';
  /** What was found, and where. */
  message: string;
  /** What follows from it. */
  advice: string;
  /** The line of a recipe that handles it, where one does. */
  recipe?: string;
}
