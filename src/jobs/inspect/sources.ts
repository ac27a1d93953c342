/** Where the images of a folder come from: the cases of a data set, or whatever volumes and DICOM series lie there. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type GraftError, isFolder, type Pausing } from '../../core/index.js';
import {
  assertSameGrid,
  type Case,
  type Checkable,
  isBenchmark,
  niftiStem,
  readBenchmark,
  readCaseLabel,
  readDataset,
  readVolume,
} from '../../data/index.js';
import { findSeries } from './series.js';
import type { Source, Sources } from './source.js';

export interface SourceOptions {
  /** A layout or a benchmark set; `auto` looks at the folder. */
  layout?: Checkable | undefined;
  /** BIDS: which masks are the labels, as in `readDataset`. */
  masks?: string | undefined;
}

/**
 * The cases of a data set. In a folder without a layout that graft knows every DICOM series is a case; where there are
 * none, every NIfTI volume, and its folder is its site; a single file is the only case. Volumes beside DICOM are left alone: hospitals put patients' names
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
  const folder = isFolder(root) ? root : dirname(resolve(root));
  const all = isFolder(root)
    ? readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => join(entry.parentPath, entry.name))
    : [resolve(root)];
  const files = all.filter((file) => niftiStem(basename(file))).sort();
  return files.map((file) => {
    const site = relative(folder, dirname(file)) || basename(folder);
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
