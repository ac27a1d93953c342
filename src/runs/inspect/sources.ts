/** Where the images of a folder come from: the cases of a data set, or whatever volumes and DICOM series lie there. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { GraftError, Pausing } from '../../core/index.js';
import {
  assertSameGrid,
  type Case,
  type Checkable,
  type DicomSeries,
  isBenchmark,
  type Label,
  niftiStem,
  readBenchmark,
  readCaseLabel,
  readDataset,
  readVolume,
  type Volume,
} from '../../data/index.js';
import { findSeries } from './series.js';

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

export interface SourceOptions {
  /** A layout or a benchmark set; `auto` looks at the folder. */
  layout?: Checkable | undefined;
  /** BIDS: which masks are the labels, as in `readDataset`. */
  masks?: string | undefined;
}

/**
 * The cases of a data set. In a folder without a layout that graft knows every DICOM series is a case; where there are
 * none, every NIfTI volume, and its folder is its site. Volumes beside DICOM are left alone: hospitals put patients' names
 * in paths.
 *
 * @throws GraftError DATASET_NOT_FOUND, DATASET_NO_SITES where there is no image at all, and what `readDataset` throws
 */
export function* findSources(root: string, { layout = 'auto', masks }: SourceOptions = {}): Pausing<Sources> {
  const faults: GraftError[] = [];
  const report = (fault: GraftError) => faults.push(fault);
  const dataset = isBenchmark(layout)
    ? readBenchmark(layout, root, { report })
    : readDataset(root, { layout, masks, report });
  const without = faults.find(({ code }) => code === 'DATASET_NO_SITES');
  if (!without) {
    const sources = dataset.sites.flatMap((site) => site.cases.map(caseSource));
    return { kind: 'data set', root, sources, ...(dataset.classes && { classes: dataset.classes }), faults, notes: [] };
  }
  const series = yield* findSeries(root);
  if (series.sources.length > 0) return { kind: 'DICOM', ...series };
  const volumes = looseVolumes(root);
  if (volumes.length === 0) throw without;
  return { kind: 'volumes', root, sources: volumes, faults: [], notes: [] };
}

function looseVolumes(root: string): Source[] {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && niftiStem(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return files.map((file) => {
    const site = relative(root, dirname(file)) || basename(root);
    return caseSource({ site, name: niftiStem(file)!, image: file });
  });
}

function caseSource(one: Case): Source {
  const { site, name, image, label } = one;
  return {
    site,
    name,
    faults: [],
    images: async () => [readVolume(image)],
    label(volume) {
      if (label === undefined) return undefined;
      const read = readCaseLabel(one, label);
      assertSameGrid(volume, read);
      return read;
    },
  };
}
