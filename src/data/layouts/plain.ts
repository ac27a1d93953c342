/**
 * The plain layout: `ROOT/SITE/{images,labels}/CASE.nii.gz` (or `.nii`).
 *
 * Files of other kinds (but for volumes of other programs, which are reported), hidden files, and folders with neither `images` nor `labels` are passed over.
 */
import { join } from 'node:path';
import { isFolder } from '../../core/index.js';
import type { Case } from '../dataset.js';
import { layoutError } from './errors.js';
import { type Layout, listed, type Report, reportEmpty, visible, volumesIn } from './layout.js';

const sitesIn = (root: string) =>
  visible(root).filter((name) => ['images', 'labels'].some((kind) => isFolder(join(root, name, kind))));

export const plain: Layout = {
  recognises: (root) => sitesIn(root).length > 0,
  read(root, report) {
    const sites = sitesIn(root);
    if (sites.length === 0) report(layoutError('DATASET_NO_SITES', { root, found: listed(visible(root)) }));
    return { cases: sites.flatMap((site) => readSite(root, site, report)) };
  },
};

function readSite(root: string, site: string, report: Report): Case[] {
  const folder = join(root, site, 'images');
  const [images, labels] = ['images', 'labels'].map((kind) => volumesIn(join(root, site, kind), report));
  for (const [name, label] of labels)
    if (!images.has(name))
      report(layoutError('DATASET_LABEL_WITHOUT_IMAGE', { label, images: folder }), { site, name });
  if (images.size === 0) reportEmpty(folder, report);
  return [...images].map(([name, image]) => {
    const label = labels.get(name);
    return { site, name, image, ...(label !== undefined && { label }) };
  });
}
