/** A series of DICOM images, as its headers describe it. */
import type { Triple } from '../orientation.js';
import type { Problem } from './errors.js';

/** A series: what one scan of a patient gave, often one volume. Plain data, but for `files` fit to be shown or stored. */
export interface DicomSeries {
  /** Pseudonym, such as `patient-1a2b3c4d`. */
  patient: string;
  /** The series' number and a pseudonym of its identifier, such as `003-5e6f7a8b`. */
  series: string;
  /** CT, MR, … */
  modality: string;
  manufacturer: string | undefined;
  model: string | undefined;
  fieldStrengthT: number | undefined;
  /** [between slices, between rows, between columns] in mm; undefined where the headers do not tell. */
  spacing: Triple | undefined;
  /** [slices, rows, columns] of a volume as it was acquired (not yet reoriented). */
  size: Triple;
  /** Images, over all slices and volumes. */
  frames: number;
  /** Paths, in the order of acquisition. Hospitals put patients' names in paths: show their number, not the paths. */
  files: string[];
  /** How the pixels are stored, such as `JPEG 2000`. */
  transferSyntax: string;
  problems: Problem[];
}
