/** A mask that was made of an image. */
import type { PromptedMask } from '../../segmenter/index.js';
import type { Routing } from './routing.js';

/** A mask that was made; of an answer to a prompt also the slice it is about, and how sure the model is. */
export interface Mask extends Partial<Omit<PromptedMask, 'labels'>> {
  /** The NIfTI file, or the pseudonyms of patient and series. */
  image: string;
  /** Null where it would have been DICOM of nothing. */
  mask: string | null;
  segmentedMl: number;
  /** By class. */
  volumesMl: Record<string, number>;
  /** With which adapter it was made, where that was chosen for the image. */
  routing?: Routing;
  /** Why the mask should not be trusted unseen, with the numbers; empty where nothing is doubted. */
  warnings: string[];
}
