/**
 * Whether a data set is whole: its names as the layout or the benchmark set wants them, and every image and label read.
 * Nothing that is found stops the search.
 */
import { createHash } from 'node:crypto';
import { GraftError } from '../core/index.js';
import { type BenchmarkName, benchmarks, readBenchmark } from './benchmarks/index.js';
import { assertClasses, type Case, type Dataset, readCaseLabel } from './dataset.js';
import { layoutError } from './layouts/errors.js';
import { type LayoutName, type Report, readDataset } from './layouts/index.js';
import { readVolume } from './nifti/index.js';
import { assertSameGrid, ignored, type Label, type Volume } from './volume.js';

/** A fault, and the case that has it where it has to do with one. */
export interface Finding {
  fault: GraftError;
  site?: string;
  name?: string;
}

export interface SiteCheck {
  site: string;
  /** Cases whose image is there. */
  cases: number;
  /** How many there should be; undefined where only the folder itself could say so. */
  expected: number | undefined;
  labels: number;
  /** Cases with at least one fault. */
  faulty: number;
}

export interface DatasetCheck {
  sites: SiteCheck[];
  findings: Finding[];
}

export type Checkable = LayoutName | 'auto' | BenchmarkName;
export const isBenchmark = (set: string): set is BenchmarkName => Object.hasOwn(benchmarks, set);

/**
 * Reads the whole data set, one case after another, and says what is missing or broken.
 *
 * @param set a layout or benchmark set, or `auto`: what the folder looks like
 * @param options.classes names of the labels 1, 2, …; default: what the set says, and where it says nothing any value of
 * a label is right
 * @returns what was found, the generator's last value; on the way how many cases are done
 */
export function* checkDataset(
  set: Checkable,
  root: string,
  { classes, masks }: { classes?: readonly string[] | undefined; masks?: string | undefined } = {},
): Generator<{ done: number; total: number }, DatasetCheck> {
  const findings: Finding[] = [];
  const told = new Set<string>();
  const report: Report = (fault, one) => {
    if (told.has(fault.message)) return;
    told.add(fault.message);
    findings.push({ fault, ...(one && { site: one.site, name: one.name }) });
  };
  const dataset = attempt(report, undefined, () =>
    isBenchmark(set) ? readBenchmark(set, root, { report }) : readDataset(root, { layout: set, masks, report }),
  );
  const cases = dataset?.sites.flatMap((site) => site.cases) ?? [];
  const known = new Map<string, Case>();
  for (const [i, one] of cases.entries()) {
    checkCase(one, classes ?? dataset?.classes, known, report);
    yield { done: i + 1, total: cases.length };
  }
  return { sites: sitesOf(dataset, findings, isBenchmark(set) ? benchmarks[set].sites : undefined), findings };
}

function checkCase(one: Case, classes: readonly string[] | undefined, known: Map<string, Case>, report: Report): void {
  const image = attempt(report, one, () => readVolume(one.image));
  if (image) attempt(report, one, () => assertNew(one, image, known));
  const { label: path } = one;
  const label = path === undefined ? undefined : attempt(report, one, () => readCaseLabel(one, path));
  if (!label) return;
  if (image) attempt(report, one, () => assertSameGrid(image, label));
  if (classes) attempt(report, one, () => assertClasses(label, classes.length + 1));
  attempt(report, one, () => assertSomething(label));
}

function attempt<T>(report: Report, one: Case | undefined, action: () => T): T | undefined {
  try {
    return action();
  } catch (fault) {
    if (!(fault instanceof GraftError)) throw fault;
    report(fault, one);
    return undefined;
  }
}

/** @param known by a hash of the voxels @throws GraftError DATASET_SAME_IMAGE where no patient says why */
function assertNew(one: Case, { data, shape }: Volume, known: Map<string, Case>): void {
  const key = createHash('sha256').update(shape.join()).update(data).digest('hex');
  const first = known.get(key);
  if (!first) known.set(key, one);
  else if (!one.patient || first.patient !== one.patient)
    throw layoutError('DATASET_SAME_IMAGE', { first: first.image, second: one.image });
}

/** @throws GraftError LABEL_EMPTY */
function assertSomething({ path, data, hasIgnored }: Label): void {
  if (data.every((value) => value === 0 || (hasIgnored && value === ignored)))
    throw layoutError('LABEL_EMPTY', { file: path });
}

function sitesOf(
  dataset: Dataset | undefined,
  findings: readonly Finding[],
  expected: Readonly<Record<string, number>> | undefined,
): SiteCheck[] {
  const found = new Map(dataset?.sites.map((site) => [site.name, site.cases]));
  return [...new Set([...Object.keys(expected ?? {}), ...found.keys()])].map((site) => {
    const cases = found.get(site) ?? [];
    const faulty = new Set(findings.filter((one) => one.site === site && one.name).map(({ name }) => name));
    const labels = cases.filter(({ label }) => label).length;
    return { site, cases: cases.length, expected: expected?.[site], labels, faulty: faulty.size };
  });
}
