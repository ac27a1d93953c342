/**
 * What a report shows: plain values, gathered by the run. Nothing here reads a file or knows a tensor.
 *
 * The method named `source` is the pretrained model as it came; where it is present, every other is compared with it.
 */
import type { Comparison } from '../compare/index.js';

/** The name of the method that is the unadapted model. */
export const sourceMethod = 'source';

export interface ReportMethod {
  /** What scores and cases refer to. */
  name: string;
  /** What a reader sees. */
  label: string;
  trainedParameters: number;
  /** Size of the adapter's file; `null` where the method has none. */
  adapterBytes: number | null;
  /** Time of the adaptation, all targets and seeds together. */
  seconds?: number;
}

/** One target and method. The values are one for each seed, each the mean over the target's cases. */
export interface ReportScore {
  target: string;
  method: string;
  /** Surface Dice at the report's tolerance, in [0, 1]. */
  surfaceDice: number[];
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
export type Outlined = 'truth' | 'source' | 'adapted' | 'local' | 'federated';

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
}

/** A surface in three dimensions, drawn. */
export interface ReportSurface {
  of: Outlined;
  /** From where it is seen, such as 'front left'. */
  from: string;
  width: number;
  height: number;
  /** uint8 [height, width, 4], red, green, blue and opacity. */
  pixels: Uint8Array;
}

export interface ReportCase {
  target: string;
  /** Rank among the target's cases by the adapted model's surface Dice. */
  which: 'best' | 'median' | 'worst';
  name: string;
  method: string;
  surfaceDice: number;
  sourceSurfaceDice: number;
  slices: ReportSlice[];
  /** Empty where the recipe does not ask for them. */
  surfaces: ReportSurface[];
}

export interface ReportData {
  title: string;
  description: string;
  /** Versions, seed, machine, command. */
  provenance: [label: string, value: string][];
  /** Tolerance of the surface Dice in mm. */
  toleranceMm: number;
  methods: ReportMethod[];
  targets: string[];
  /** At most one for each target and method; what is missing shows as a dash. */
  scores: ReportScore[];
  /** Of all methods; absent where there is only one. */
  comparison?: Comparison;
  /** Warnings and limits in plain words. */
  notes: string[];
  curves: ReportCurve[];
  cases: ReportCase[];
}
