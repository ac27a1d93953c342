/** Small trees in the exact layouts of the published benchmark sets. */

import { ixiSites } from '../../src/data/benchmarks/fed-ixi-subjects.js';
import { kitsSites } from '../../src/data/benchmarks/fed-kits19-sites.js';
import { buildNifti } from '../data/nifti-fixtures.js';
import type { Tree } from '../layouts/tree.js';

const digits = (number: number, width: number) => String(number).padStart(width, '0');
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** KiTS19's repository: 96 cases of the six sites, and one of another institution. */
export function buildKits(tree: Tree): void {
  const numbers = Object.values(kitsSites).flatMap(({ train, test }) => [...train, ...test]);
  for (const number of [...numbers, 4]) {
    const folder = `kits19/data/case_${digits(number, 5)}`;
    tree.image(`${folder}/imaging.nii.gz`);
    tree.label(`${folder}/segmentation.nii.gz`, [1, 2]);
  }
  tree.put('kits19/data/kits.json', '[]');
  tree.put('kits19/README.md', '');
}

/** IXI Tiny's archive. Without content the files are only named. */
export function buildIxi(tree: Tree): void {
  for (const [site, { train, test }] of Object.entries(ixiSites))
    for (const subject of [...train, ...test]) {
      const name = `IXI${digits(subject, 3)}-${site}-${1000 + subject}`;
      tree.put(`ixi/7kd5wj7v7p-3/IXI_sample/${name}/T1/${name}_image.nii.gz`);
      tree.put(`ixi/7kd5wj7v7p-3/IXI_sample/${name}/label/${name}_label.nii.gz`);
      if (subject === 2) tree.put(`ixi/7kd5wj7v7p-3/IXI_sample/${name}/T2/${name}_image.nii.gz`);
    }
}

/** The six-site prostate set; labels of two sites tell zones apart. */
export function buildProstate(tree: Tree): void {
  const cases: Record<string, number[]> = {
    RUNMC: range(0, 29),
    BMC: range(0, 29),
    I2CVB: range(0, 18),
    UCL: [1, ...range(26, 37)],
    BIDMC: [0, ...range(2, 12)],
    HK: range(38, 49),
  };
  for (const [site, numbers] of Object.entries(cases))
    for (const number of numbers) {
      const name = `prostate/${site}/Case${digits(number, 2)}`;
      tree.image(`${name}.nii.gz`);
      const zones = site === 'RUNMC' || site === 'BMC';
      tree.label(`${name}_${site === 'BMC' ? 'S' : 's'}egmentation.nii.gz`, zones ? [1, 2] : [1]);
    }
}

/** CC359's Reconstructed archive, with volumes whose first axis has `size` voxels and runs to the right or the left. */
export function buildCc359(tree: Tree, { size = 200, left = false, folders = false } = {}): void {
  const values = new Array(size).fill(0);
  const rows = [left ? -1 : 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
  const image = buildNifti({ dims: [size, 1, 1], values, sform: { code: 1, rows } });
  const scanners: [string, string, number, number][] = [
    ['philips_15', 'Philips_15', 1, 59],
    ['philips_3', 'Philips_3', 60, 119],
    ['siemens_15', 'Siemens_15', 120, 179],
    ['siemens_3', 'Siemens_3', 180, 239],
    ['ge_15', 'GE_15', 240, 299],
    ['ge_3', 'GE_3', 300, 359],
  ];
  for (const [scanner, folder, first, last] of scanners)
    for (const person of range(first, last)) {
      const name = `CC${digits(person, 4)}_${scanner}_${30 + (person % 50)}_${person % 2 ? 'M' : 'F'}`;
      const [inside, masks] = folders ? [`${folder}/`, 'Silver-standard'] : ['', 'Silver-standard-machine-learning'];
      tree.put(`cc359/Original/${inside}${name}.nii.gz`, image);
      tree.put(`cc359/${masks}/${inside}${name}_ss.nii.gz`);
      if (person === 1) tree.put(`cc359/Silver-standard-STAPLE/${name}_staple.nii.gz`);
    }
}
