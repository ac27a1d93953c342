/** Data sets as they lie on disks: which layout a folder has, and its sites and cases. */
import { existsSync } from 'node:fs';
import { GraftError, nameFault, shownName } from '../../core/index.js';
import type { Case, Dataset } from '../dataset.js';
import { patientMask } from '../dicom/index.js';
import { bids } from './bids.js';
import { csv } from './csv.js';
import { layoutError } from './errors.js';
import { type Layout, type Report, raise } from './layout.js';
import { msd } from './msd.js';
import { nnunet } from './nnunet.js';
import { plain } from './plain.js';

export { layoutErrors } from './errors.js';
export { type Report, volumesIn } from './layout.js';

/** In the order in which they are tried: what looks like an nnU-Net also looks like a task of the Decathlon. */
const layouts = { csv, nnunet, msd, bids, plain } satisfies Record<string, Layout>;
export type LayoutName = keyof typeof layouts;
export const layoutNames = Object.keys(layouts) as [LayoutName, ...LayoutName[]];

export interface DatasetOptions {
  /** `auto` looks at the folder. */
  layout?: LayoutName | 'auto' | undefined;
  /** BIDS: a regular expression on the paths below `derivatives` that tells which masks are the labels. */
  masks?: string | undefined;
  /** What becomes of a fault; default: it is thrown. */
  report?: Report;
}

/**
 * Finds the sites and cases of a data set. No voxels are read.
 *
 * @param root its folder, or the table of a CSV data set
 * @param options.layout one of the layouts in docs/datasets.md; default: what the folder looks like
 * @param options.masks BIDS: a regular expression on the paths of the labels below `derivatives`
 * @param options.report takes the faults one by one; default: the first is thrown
 * @throws GraftError DATASET_NOT_FOUND, DATASET_LIST, DATASET_MASK_PATTERN, CSV_INVALID, and the other codes DATASET_…
 * where `report` does not take them
 */
export function readDataset(root: string, { layout = 'auto', masks, report = raise }: DatasetOptions = {}): Dataset {
  if (!existsSync(root)) throw layoutError('DATASET_NOT_FOUND', { root });
  const found = layout === 'auto' ? layoutNames.find((name) => layouts[name].recognises(root)) : layout;
  const tell = withoutPatients(root, report);
  const { cases, classes } = layouts[found ?? 'plain'].read(root, tell, masks === undefined ? {} : { masks });
  return { root, sites: sitesOf(cases, tell), ...(classes && { classes }) };
}

/** Where a folder turns out to hold DICOM, its names are those of patients as often as not. */
function withoutPatients(root: string, report: Report): Report {
  let mask: ReturnType<typeof patientMask> | undefined;
  return ({ code, message, hint, exitCode, cause }, one) => {
    mask ??= patientMask(root);
    report(new GraftError(code, mask(message), hint, exitCode, cause), one);
  };
}

/** Cases by site, sorted by name; of cases with one name the first. */
export function sitesOf(cases: readonly Case[], report: Report): Dataset['sites'] {
  const sites = new Map<string, Map<string, Case>>();
  const patients = new Map<string, Case>();
  for (const one of cases) {
    const { site, name, image, patient, split } = one;
    for (const [what, text] of Object.entries({ site, case: name })) {
      const reason = nameFault(text);
      if (reason)
        report(layoutError('DATASET_NAME', { name: shownName(text), what, image: shownName(image), reason }), one);
    }
    const known = sites.get(site) ?? new Map<string, Case>();
    sites.set(site, known);
    const first = known.get(name)?.image;
    if (first) report(layoutError('DATASET_DUPLICATE_CASE', { first, second: image, name: `${site}/${name}` }), one);
    else known.set(name, one);
    if (!patient || !split) continue;
    const other = patients.get(patient) ?? one;
    patients.set(patient, other);
    if (other.split !== split) {
      const images = { firstImage: other.image, secondImage: image };
      report(layoutError('DATASET_PATIENT_DIVIDED', { patient, first: other.split!, second: split, ...images }), one);
    }
  }
  const sorted = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted(sites).map(([name, byName]) => ({ name, cases: sorted(byName).map(([, one]) => one) }));
}
