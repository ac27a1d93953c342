/** Images to look at, wherever they lie. */
import type { GraftError } from '../../core/index.js';
import type { DicomSeries, Label, Volume } from '../../data/index.js';

/** What is wrong with a file or a series. */
export type Fault = Pick<GraftError, 'code' | 'message' | 'hint'>;

/** What the headers of a series say, without paths. */
export type Series = Omit<DicomSeries, 'files' | 'problems'>;

/** Something that can be read and looked at. */
export interface Source {
  site: string;
  name: string;
  /** Where it comes from DICOM. */
  series?: Series;
  /** What is known to be wrong before it is read. */
  faults: Fault[];
  /** The volumes it holds, at least one. @throws GraftError where it cannot be read */
  images(): Promise<Volume[]>;
  /** @throws GraftError where it cannot be read or lies on another grid; undefined where there is none */
  label(image: Volume): Label | undefined;
}

export interface Sources {
  /** `volumes`: in no known layout. */
  kind: 'data set' | 'volumes' | 'DICOM';
  /** The folder, without what DICOM files in it say of patients. */
  root: string;
  sources: Source[];
  /** Names of the labels 1, 2, …, where the data set says them. */
  classes?: string[];
  /** What is wrong with the folder as a whole. */
  faults: Fault[];
  /** What was left alone. */
  notes: Fault[];
}
