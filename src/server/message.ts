/** What the server and the thread of its model say to each other. */
import type { ImageSource, RoutingOptions } from '../jobs/index.js';

/** A model and what is served of it. */
export interface Served {
  model: string;
  /** Files, or those to choose from, by the names that viewers see; none: the model as it is, under its own name. */
  adapters: Record<string, string | RoutingOptions>;
  device: string;
}

export interface Start {
  served: Served;
  /** Threads within an operator: other numbers give other bits. */
  threads: number;
}

/** How a mask is answered. */
export type MaskFile = 'label.nii.gz' | 'label.nii' | 'label.nrrd';

export type Request =
  /** Loads the model and every adapter once, so that what cannot be served is told at the start. */
  | { kind: 'open' }
  | { kind: 'segment'; name: string; image: ImageSource; file: MaskFile; packed: boolean }
  /** Reads an image, as a check; gives a series as NIfTI. */
  | { kind: 'image'; image: ImageSource }
  /** Stores a label at `place`, and what lay there before in the folder `earlier`. */
  | {
      kind: 'label';
      image: ImageSource;
      file: string;
      place: string;
      earlier: string;
      /** Names of the file's values; absent where they are numbers of classes. */
      names: Record<number, string> | undefined;
      classes: readonly string[];
    };

export interface ServedModel {
  classes: readonly string[];
  /** What a reader should know of it. */
  remarks: string[];
}

export interface Segmented {
  bytes: Uint8Array<ArrayBuffer>;
  /** By class. */
  volumesMl: Record<string, number>;
  warnings: string[];
  /** Bits per segmented voxel. */
  entropy: number;
  /** Which adapter was chosen for the image, by what it was adapted to; null: none. */
  chosen?: { adapter: string | null; probability: number };
}

/** What each request is answered with. */
export interface Values {
  /** By the names that viewers see. */
  open: Record<string, ServedModel>;
  segment: Segmented;
  /** A .nii file; undefined for an image that is NIfTI. */
  image: Uint8Array<ArrayBuffer> | undefined;
  /** Whether it is another label than before, and where that is kept. */
  label: { changed: boolean; kept: string | undefined };
}
