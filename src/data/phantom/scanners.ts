/**
 * Imaginary scanners: what each makes of the same head. They differ in what differs between hospitals (contrast, field
 * strength, resolution, coil, noise, artefacts, how the file is stored), so that a network trained on one fails on
 * another and can be adapted to it.
 *
 * Signals are relative (brightest tissue about 1) and typical of the sequences, not computed from relaxation times.
 */

/** Relative signal of each tissue; air is 0. */
export interface Contrast {
  fat: number;
  muscle: number;
  bone: number;
  marrow: number;
  fluid: number;
  vitreous: number;
  grey: number;
  white: number;
  lesion: number;
}

const t1: Contrast = {
  fat: 1,
  muscle: 0.42,
  bone: 0.08,
  marrow: 0.75,
  fluid: 0.16,
  vitreous: 0.14,
  grey: 0.52,
  white: 0.76,
  lesion: 0.4,
};
const t1At1T5: Contrast = { ...t1, fat: 1.1, muscle: 0.5, fluid: 0.26, grey: 0.57, white: 0.7, lesion: 0.46 };
const t1At3T: Contrast = { ...t1, fat: 0.9, fluid: 0.2, grey: 0.57, white: 0.73 };
const t2: Contrast = {
  fat: 0.7,
  muscle: 0.2,
  bone: 0.05,
  marrow: 0.45,
  fluid: 1,
  vitreous: 1.05,
  grey: 0.52,
  white: 0.36,
  lesion: 0.8,
};
const flair: Contrast = {
  fat: 0.6,
  muscle: 0.26,
  bone: 0.05,
  marrow: 0.4,
  fluid: 0.08,
  vitreous: 0.08,
  grey: 0.58,
  white: 0.47,
  lesion: 0.95,
};
const t1LowField: Contrast = { ...t1, fat: 1, muscle: 0.55, fluid: 0.34, grey: 0.6, white: 0.66, lesion: 0.5 };

export interface Scanner {
  contrast: Contrast;
  /** Where the stored axes i, j, k point to, e.g. LPS; k is the axis of the slices, j that of phase encoding. */
  orientation: string;
  /** In-plane pixel and slice thickness, as multiples of the spacing asked for. */
  pixel: number;
  thickness: number;
  /** Angle in degrees between the slices and the patient's axes. */
  tilt: number;
  /** How much brighter the image is at one side of the coil than at the other, as a logarithm. */
  bias: number;
  /** Deviation of the noise in each of the two channels of the signal. */
  noise: number;
  /** Strength of the copy of the head, half a field of view away along phase encoding. */
  ghost: number;
  /** Strength of the echoes of edges along phase encoding. */
  ringing: number;
  /** Relative difference in brightness of odd and even slices. */
  interleaving: number;
  /** Probability that a case has a line of interference through all slices. */
  zipper: number;
  /** Stored value of signal 1. */
  gain: number;
}

const ideal = { pixel: 1, thickness: 1, tilt: 0, ghost: 0, ringing: 0, interleaving: 0, zipper: 0 };

/** The scanners by name; `siemens-t1` is the usual source, the others are targets. */
export const scanners = {
  'siemens-t1': { ...ideal, contrast: t1, orientation: 'RAS', bias: 0.2, noise: 0.02, gain: 700 },
  'ge-t1': {
    ...ideal,
    contrast: t1At1T5,
    orientation: 'PIR',
    pixel: 1.1,
    thickness: 1.2,
    bias: 0.9,
    noise: 0.055,
    ghost: 0.09,
    gain: 3000,
  },
  'philips-t1': {
    ...ideal,
    contrast: t1At3T,
    orientation: 'LPS',
    pixel: 0.95,
    thickness: 1.3,
    bias: 1,
    noise: 0.045,
    ringing: 0.1,
    interleaving: 0.06,
    gain: 1500,
  },
  'philips-t2': {
    ...ideal,
    contrast: t2,
    orientation: 'LPS',
    pixel: 0.9,
    thickness: 1.8,
    bias: 0.4,
    noise: 0.03,
    ringing: 0.12,
    interleaving: 0.06,
    gain: 1200,
  },
  'philips-flair': {
    ...ideal,
    contrast: flair,
    orientation: 'LAS',
    thickness: 2,
    tilt: 9,
    bias: 0.5,
    noise: 0.04,
    interleaving: 0.1,
    zipper: 0.5,
    gain: 400,
  },
  'lowfield-t1': {
    ...ideal,
    contrast: t1LowField,
    orientation: 'LAS',
    pixel: 1.2,
    thickness: 1.6,
    bias: 0.6,
    noise: 0.08,
    ringing: 0.15,
    zipper: 0.7,
    gain: 90,
  },
} as const satisfies Record<string, Scanner>;

export type ScannerName = keyof typeof scanners;
