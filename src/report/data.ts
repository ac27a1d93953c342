/**
 * Parts of what reports show: plain values, gathered by the run. Nothing here reads a file or knows a tensor.
 *
 * The method named `source` is the pretrained model as it came; where it is present, every other is compared with it.
 */

/** The name of the method that is the unadapted model. */
export const sourceMethod = 'source';

/** What is certain, in words. */
export interface Headline {
  /** To remember. */
  sentence: string;
  /** What keeps it honest. */
  more: readonly string[];
}

export interface ReportMethod {
  /** What scores and cases refer to. */
  name: string;
  /** What a reader sees. */
  label: string;
  trainedParameters: number;
  /** Size of the adapter's file; `null` where the method has none. */
  adapterBytes: number | null;
  /** Whether it has seen the targets' labels, so that it is no competitor. */
  oracle?: boolean;
  /** Time of the adaptation, all targets and seeds together. */
  seconds?: number;
}

/** One target and method. The values are one for each seed, each the mean over the target's cases. */
export interface ReportScore {
  target: string;
  method: string;
  /** Surface Dice at the report's tolerance, in [0, 1], on the grid of the scans. */
  surfaceDice: number[];
  /** Likewise, on the slices that the network sees. */
  surfaceDiceOnSlices?: number[];
  /** Mean signed distance of the predicted surface in mm, positive outside the reference. */
  boundaryBias?: number[];
  /** The share of the gap between source and oracle; null where there is none to speak of. */
  gapClosed?: number | null;
  /** Dice, in [0, 1]. */
  dice: number[];
  /** 95th percentile of the Hausdorff distance in mm. */
  hausdorff95?: number[];
  /** What the guard kept: 'adapted', 'source' or 'statistics'. */
  kept: string;
  /** Why, in plain words; the cell gets a mark and this text a place under the table. */
  guard?: string;
}

export interface ReportCurve {
  title: string;
  /** Axis labels name the unit where there is one. */
  xLabel: string;
  yLabel: string;
  /** `bytes`: logarithmic, with units. */
  xScale?: 'linear' | 'bytes';
  /** A point that is not finite interrupts its line. */
  series: { name: string; points: [x: number, y: number][] }[];
}

/** Whose outline is drawn. */
export type Outlined = 'truth' | 'source' | 'adapted' | 'frozen' | 'local' | 'federated';

export type Plane = 'axial' | 'coronal' | 'sagittal';

/**
 * A slice as displayed, row 0 at the top: anterior, or superior where it is not axial. Column 0 at the left: the patient's
 * right (radiological), or anterior where it is sagittal.
 */
export interface ReportSlice {
  plane: Plane;
  width: number;
  height: number;
  /** In mm. */
  pixelSpacing: [y: number, x: number];
  /** uint8 [height, width], grey values. */
  image: Uint8Array;
  /** Labels, uint8 [height, width] each, 0 outside all structures; `truth` where an expert's outline exists. */
  masks: Partial<Record<Outlined, Uint8Array>>;
  /** Quarters of a millimetre from the reference where the model differs from it, uint8 [height, width]. */
  heat?: Uint8Array;
  /** Whose labels go on beyond the edge of what is shown. */
  cut: Outlined[];
}

/** A case with its slices. */
export interface Panel {
  which: 'best' | 'median' | 'worst';
  name: string;
  /** What tables call it; absent where none does. */
  caseName?: string;
  slices: ReportSlice[];
  /** Where the model is furthest from the reference. */
  spots?: { mm: number; slices: ReportSlice[] }[];
  /** Short lines below the name, the first in full colour: scores, mostly. */
  lines: readonly string[];
}

/** Panels of a site. */
export interface PanelGroup {
  title: string;
  panels: readonly Panel[];
}

/** With what the results were made. */
export interface Provenance {
  /** Versions, seeds, machine, data. */
  facts: readonly (readonly [label: string, value: string])[];
  /** As it was typed; undefined where there was none. */
  command?: string | undefined;
  /** Every setting by its dotted key. */
  settings: readonly (readonly [key: string, value: string])[];
  /** Models and adapters. */
  files: readonly { name: string; sha256: string }[];
}

/** The scores of an adaptation. */
export interface ReportScores {
  /** Tolerance of the surface Dice in mm. */
  toleranceMm: number;
  /** The slices that were scored, in words. */
  scored?: string;
  methods: ReportMethod[];
  targets: string[];
  /** At most one for each target and method; what is missing shows as a dash. */
  scores: ReportScore[];
}

/** What is drawn, and of which structures. */
export interface Drawn {
  /** From below to above. */
  outlined: readonly Outlined[];
  /** Names of the labels 1, 2, … */
  classes: readonly string[];
  /** Whether it is drawn how far the last model is from the reference. */
  heat?: boolean;
  /** A place that is marked, in pixels of the slice. */
  cross?: Partial<Record<Plane, readonly [row: number, column: number]>>;
}
