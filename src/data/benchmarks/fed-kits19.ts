/**
 * Fed-KiTS19: kidneys and their tumours in CT, 96 cases of six institutions, as the KiTS19 repository lays them out.
 *
 * Every site has its own constants for the intensities, as in FLAP-SAM. Left out: nnU-Net's resampling, which FLamby
 * applies and FLAP-SAM's code does not.
 */
import { join } from 'node:path';
import type { Case } from '../dataset.js';
import { type Benchmark, caseOf, folderWith } from './benchmark.js';
import { kitsSites } from './fed-kits19-sites.js';

export const fedKits19: Benchmark = {
  title: 'Fed-KiTS19: kidneys and tumours in CT at six sites',
  classes: ['kidney', 'tumour'],
  sites: Object.fromEntries(Object.entries(kitsSites).map(([site, one]) => [site, one.train.length + one.test.length])),
  tree: ['ROOT/data/case_00000/imaging.nii.gz', 'ROOT/data/case_00000/segmentation.nii.gz'],
  obtain: [
    'the repository neheller/kits19 on GitHub, which holds the segmentations',
    'its images, with its own program: python3 -m starter_code.get_imaging (about 30 GB; licence CC BY-NC-SA 4.0)',
  ],
  read(root, report) {
    const data = folderWith(/^case_\d{5}$/, [root, join(root, 'data')]);
    return Object.entries(kitsSites).flatMap(([site, { intensity, ...parts }]) =>
      (['train', 'test'] as const).flatMap((split) =>
        parts[split].flatMap((number): Case[] => {
          const name = `case_${String(number).padStart(5, '0')}`;
          const [image, label] = ['imaging', 'segmentation'].map((kind) => join(data, name, `${kind}.nii.gz`));
          const preprocessing = { intensity: { kind: 'fixed-z-score' as const, ...intensity } };
          return caseOf(report, { site, name, split, preprocessing, greatestLabel: 2 }, { image, label });
        }),
      ),
    );
  },
};
