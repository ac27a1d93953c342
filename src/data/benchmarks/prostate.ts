/**
 * The prostate in T2-weighted MR at six sites (Liu, Dou and Heng, MICCAI 2020, "SAML"), with the 25 test cases of
 * FLAP-SAM's code. Labels that tell zones apart are one class, as there. Which numbers the other cases have is not
 * fixed here, only how many there are.
 */
import { join } from 'node:path';
import type { Case } from '../dataset.js';
import { visible } from '../layouts/layout.js';
import { niftiStem } from '../nifti/index.js';
import { type Benchmark, caseOf } from './benchmark.js';
import { benchmarkError } from './errors.js';

/** Cases, and the numbers of those that test. */
const sites: Readonly<Record<string, { cases: number; test: readonly number[] }>> = {
  RUNMC: { cases: 30, test: [3, 8, 12, 15, 18, 26] },
  BMC: { cases: 30, test: [3, 8, 12, 15, 18, 26] },
  I2CVB: { cases: 19, test: [3, 8, 13, 15] },
  UCL: { cases: 13, test: [1, 32, 34] },
  BIDMC: { cases: 12, test: [0, 4, 9] },
  HK: { cases: 12, test: [38, 41, 46] },
};

export const prostate: Benchmark = {
  title: 'the prostate in T2-weighted MR at six sites',
  classes: ['prostate'],
  sites: Object.fromEntries(Object.entries(sites).map(([site, { cases }]) => [site, cases])),
  tree: ['ROOT/RUNMC/Case00.nii.gz', 'ROOT/RUNMC/Case00_segmentation.nii.gz'],
  obtain: [
    '"A Multi-site Dataset for Prostate MRI Segmentation", from the page of the project SAML (liuquande/SAML on GitHub',
    `links to it); unpack it so that ${Object.keys(sites).join(', ')} are folders of ROOT`,
  ],
  read: (root, report) =>
    Object.entries(sites).flatMap(([site, { cases: expected, test }]) => {
      const folder = join(root, site);
      const pairs = new Map<number, { image?: string; label?: string }>();
      for (const file of visible(folder)) {
        // The label is called …_segmentation at five sites and …_Segmentation at one.
        const match = /^Case(\d{2})(_segmentation)?$/i.exec(niftiStem(file) ?? '');
        if (!match) continue;
        const number = Number(match[1]);
        pairs.set(number, { ...pairs.get(number), [match[2] ? 'label' : 'image']: join(folder, file) });
      }
      if (pairs.size !== expected)
        report(benchmarkError('BENCHMARK_COUNT', { folder, expected, found: pairs.size }), { site, name: '' });
      for (const number of test) if (!pairs.has(number)) pairs.set(number, {});
      return [...pairs].flatMap(([number, files]): Case[] => {
        const name = `Case${String(number).padStart(2, '0')}`;
        const { image = join(folder, `${name}.nii.gz`), label = join(folder, `${name}_segmentation.nii.gz`) } = files;
        const split = test.includes(number) ? 'test' : 'train';
        return caseOf(report, { site, name, split, greatestLabel: 1 }, { image, label });
      });
    }),
};
