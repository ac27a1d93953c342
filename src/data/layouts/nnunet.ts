/**
 * nnU-Net raw: `dataset.json`, `imagesTr/CASE_0000.nii.gz`, `labelsTr/CASE.nii.gz`, `imagesTs` and perhaps `labelsTs`,
 * where `_0000` is the channel. The data set is one site, named as its folder.
 *
 * Where `labelsTs` is there, the set divides its cases itself into training and test. What its labels call `ignore`
 * counts for nothing. Left out: several channels, and
 * files other than NIfTI.
 */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { isFolder } from '../../core/index.js';
import type { Case } from '../dataset.js';
import { layoutError } from './errors.js';
import { type Layout, labelsSchema, type Report, readList, reportEmpty, visible, volumesIn } from './layout.js';

const schema = z.object({ labels: labelsSchema });
const channel = /_(\d{4})$/;

export const nnunet: Layout = {
  recognises: (root) =>
    existsSync(join(root, 'dataset.json')) && visible(join(root, 'imagesTr')).some((file) => /_0000\.\w/.test(file)),
  read(root, report) {
    const {
      labels: { classes, ignore },
    } = readList(join(root, 'dataset.json'), schema);
    const site = basename(resolve(root));
    const [train, test] = ['Tr', 'Ts'].map((part) => readPart(root, site, part, report));
    const images = join(root, 'imagesTr');
    if (train.length === 0) reportEmpty(images, report);
    const scored = test.some(({ label }) => label);
    const cases = [
      ...train.map((one) => ({ ...one, ...(scored && { split: 'train' as const }) })),
      ...test.map((one) => ({ ...one, split: 'test' as const })),
    ];
    const named = cases.map((one) => ({ ...one, ...(ignore !== undefined && { ignore }) }));
    return { cases: named, ...(classes && { classes }) };
  },
};

function readPart(root: string, site: string, part: string, report: Report): Case[] {
  const [images, labels] = ['images', 'labels'].map((kind) => join(root, `${kind}${part}`));
  const [volumes, truths] = [images, labels].map((folder) => volumesIn(folder, report));
  const files = [...volumes].map(([stem, image]) => {
    const name = stem.replace(channel, '');
    return { site, name, image, number: channel.exec(stem)?.[1] };
  });
  for (const { number, image, name } of files)
    if (number !== '0000') report(layoutError('DATASET_CHANNELS', { image }), { site, name });
  const cases = files.filter(({ number }) => number === '0000').map(({ number: _, ...one }) => one);
  const names = new Set(cases.map(({ name }) => name));
  for (const [name, label] of truths)
    if (!names.has(name)) report(layoutError('DATASET_LABEL_WITHOUT_IMAGE', { label, images }), { site, name });
  return cases.map((one): Case => {
    const label = truths.get(one.name);
    if (!label && isFolder(labels))
      report(
        layoutError('DATASET_IMAGE_WITHOUT_LABEL', { image: one.image, label: join(labels, `${one.name}.nii.gz`) }),
        one,
      );
    return { ...one, ...(label && { label }) };
  });
}
