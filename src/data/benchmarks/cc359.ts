/**
 * Calgary-Campinas-359 (Souza et al. 2018): the brain in T1-weighted MR of 359 people on scanners of three vendors at two
 * field strengths, which are the six sites. Labels are the "silver standard" masks of the published archive.
 *
 * The slices are those that ConvLoRA's code keeps of each site, along the first axis of the file as it is stored; where
 * graft's volume runs the other way, they are counted from the other end. Which cases train and test is not published.
 */
import { join } from 'node:path';
import { GraftError } from '../../core/index.js';
import type { Case } from '../dataset.js';
import { type Report, visible, volumesBelow } from '../layouts/layout.js';
import { niftiStem, readOrientation } from '../nifti/index.js';
import { type Benchmark, caseOf, folderWith } from './benchmark.js';
import { benchmarkError } from './errors.js';

/** Vendor and field strength as in file names, the numbers of the first and last person, and of the first and last slice. */
const sites: Readonly<Record<string, { scanner: string; people: [number, number]; slices: [number, number] }>> = {
  Philips_15: { scanner: 'philips_15', people: [1, 59], slices: [10, 150] },
  Philips_3: { scanner: 'philips_3', people: [60, 119], slices: [20, 155] },
  Siemens_15: { scanner: 'siemens_15', people: [120, 179], slices: [25, 165] },
  Siemens_3: { scanner: 'siemens_3', people: [180, 239], slices: [60, 165] },
  GE_15: { scanner: 'ge_15', people: [240, 299], slices: [60, 195] },
  GE_3: { scanner: 'ge_3', people: [300, 359], slices: [25, 175] },
};

export const cc359: Benchmark = {
  title: 'Calgary-Campinas-359: the brain in T1-weighted MR on six scanners',
  classes: ['brain'],
  sites: Object.fromEntries(
    Object.entries(sites).map(
      ([
        site,
        {
          people: [first, last],
        },
      ]) => [site, last - first + 1],
    ),
  ),
  tree: [
    'ROOT/Original/CC0001_philips_15_55_M.nii.gz, in folders of their own or not',
    'ROOT/Silver-standard-machine-learning/CC0001_philips_15_55_M_ss.nii.gz, likewise',
  ],
  obtain: [
    'from the Calgary-Campinas Public Brain MR Dataset, "Reconstructed": Original.zip and',
    'Silver-standard-machine-learning.zip; unpack both into ROOT',
  ],
  read(root, report) {
    const folder = folderWith(/^Original$/, [join(root, 'CC359', 'Reconstructed'), join(root, 'Reconstructed'), root]);
    const images = byPerson(folder, ['Original'], '', report);
    const masks = visible(folder).filter((name) => name.startsWith('Silver-standard'));
    const labels = byPerson(folder, masks, '_ss', report);
    return Object.entries(sites).flatMap(([site, { scanner, people, slices }]) =>
      Array.from({ length: people[1] - people[0] + 1 }, (_, i) => people[0] + i).flatMap((person): Case[] => {
        const name = `CC${String(person).padStart(4, '0')}`;
        const [stem, key] = [`${name}_${scanner}_AGE_SEX`, `${name}_${scanner}`];
        const image = images.get(key) ?? join(folder, 'Original', `${stem}.nii.gz`);
        const label = labels.get(key) ?? join(folder, masks[0] ?? 'Silver-standard…', `${stem}_ss.nii.gz`);
        const cases = caseOf(report, { site, name }, { image, label });
        return cases.map((one) => ({ ...one, ...kept(one, slices, report) }));
      }),
    );
  },
};

/** Files by person and scanner, `CC0001_philips_15`; ages and sexes are passed over. */
function byPerson(root: string, folders: readonly string[], ending: string, report: Report): Map<string, string> {
  const files = new Map<string, string>();
  for (const path of folders.flatMap((folder) => volumesBelow(root, folder))) {
    const match = /^(CC\d{4}_(?:philips|siemens|ge)_(?:15|3))_\d+_[MF](_ss)?$/.exec(niftiStem(path)!);
    if (!match || (match[2] ?? '') !== ending) continue;
    const [key, file, first] = [match[1], join(root, path), files.get(match[1])];
    if (first) report(benchmarkError('BENCHMARK_UNEXPECTED', { file, reason: `is there already, as ${first}` }));
    else files.set(key, file);
  }
  return files;
}

/** The slices that are kept, in graft's count: from the left, the back or below. */
function kept(one: Case, [first, last]: readonly [number, number], report: Report): Pick<Case, 'preprocessing'> {
  try {
    const { dims, orientation } = readOrientation(one.image);
    const world = orientation.axes.indexOf(0);
    const slices: [number, number] =
      orientation.flips[world] && first < dims[0]
        ? [Math.max(0, dims[0] - 1 - last), Math.max(0, dims[0] - 1 - first)]
        : [first, last];
    return { preprocessing: { axis: (['sagittal', 'coronal', 'axial'] as const)[world], slices } };
  } catch (fault) {
    if (!(fault instanceof GraftError)) throw fault;
    report(fault, one);
    return {};
  }
}
