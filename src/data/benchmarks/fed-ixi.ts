/** Fed-IXI: the brain in T1-weighted MR, 566 subjects of three hospitals, as the archive of IXI Tiny lays them out. */
import { join } from 'node:path';
import type { Case } from '../dataset.js';
import { visible } from '../layouts/layout.js';
import { type Benchmark, caseOf, folderWith } from './benchmark.js';
import { benchmarkError } from './errors.js';
import { ixiSites } from './fed-ixi-subjects.js';

const archive = '7kd5wj7v7p-3';
const folderName = /^IXI(\d{3})-(Guys|HH|IOP)-\d+$/;

export const fedIxi: Benchmark = {
  title: 'Fed-IXI: the brain in T1-weighted MR at three hospitals',
  classes: ['brain'],
  sites: Object.fromEntries(Object.entries(ixiSites).map(([site, one]) => [site, one.train.length + one.test.length])),
  tree: [
    'ROOT/IXI_sample/IXI002-Guys-0828/T1/IXI002-Guys-0828_image.nii.gz',
    'ROOT/IXI_sample/IXI002-Guys-0828/label/IXI002-Guys-0828_label.nii.gz',
  ],
  obtain: [
    `the archive ${archive}.zip ("IXI Sample Dataset", 444 MB; licence CC BY-SA 3.0) on Mendeley Data, which FLamby’s`,
    'fed_ixi/dataset_creation_scripts/download.py fetches; unpack it into ROOT',
  ],
  read(root, report) {
    const folder = folderWith(folderName, [root, join(root, archive, 'IXI_sample'), join(root, 'IXI_sample')]);
    const found = new Map<number, string>();
    for (const name of visible(folder).filter((one) => folderName.test(one))) {
      const [, subject, site] = folderName.exec(name)!;
      const [file, first] = [join(folder, name), found.get(Number(subject))];
      const parts = ixiSites[site];
      const unexpected = (reason: string) => benchmarkError('BENCHMARK_UNEXPECTED', { file, reason });
      if (first) report(unexpected(`the subject ${subject} is there already, as ${first}`), { site, name });
      else if (![...parts.train, ...parts.test].includes(Number(subject)))
        report(unexpected(`the subject ${subject} is not one of the site ${site}`), { site, name });
      else found.set(Number(subject), name);
    }
    return Object.entries(ixiSites).flatMap(([site, parts]) =>
      (['train', 'test'] as const).flatMap((split) =>
        parts[split].flatMap((subject): Case[] => {
          // Only its folder's name has the number of a missing subject's scan.
          const name = found.get(subject) ?? `IXI${String(subject).padStart(3, '0')}-${site}-NUMBER`;
          const image = join(folder, name, 'T1', `${name}_image.nii.gz`);
          const label = join(folder, name, 'label', `${name}_label.nii.gz`);
          return caseOf(report, { site, name, split }, { image, label });
        }),
      ),
    );
  },
};
