/**
 * The Medical Segmentation Decathlon: `dataset.json` lists `training` (image and label) and `test` (image); the files lie
 * in `imagesTr`, `labelsTr` and `imagesTs`. The task is one site, named as its folder.
 *
 * The test images have no labels: they are cases of the part `test` that cannot be scored. Left out: tasks with several
 * channels (BRATS, Prostate), whose images are 4-D and are refused one by one when they are read.
 */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Case } from '../dataset.js';
import { niftiStem } from '../nifti/index.js';
import { layoutError } from './errors.js';
import { type Layout, labelsSchema, readList } from './layout.js';

const schema = z.object({
  training: z.array(z.object({ image: z.string(), label: z.string() })).min(1),
  test: z.array(z.string()).default([]),
  labels: labelsSchema,
});

export const msd: Layout = {
  recognises: (root) => existsSync(join(root, 'dataset.json')),
  read(root, report) {
    const list = join(root, 'dataset.json');
    const site = basename(resolve(root));
    const { training, test, labels } = readList(list, schema);
    const present = (name: string, path: string) => {
      const file = join(root, path);
      if (existsSync(file)) return file;
      report(layoutError('DATASET_FILE_MISSING', { list, file }), { site, name });
      return undefined;
    };
    const entries = [...training, ...test.map((image) => ({ image, label: undefined }))];
    const cases = entries.flatMap(({ image: path, label: labelPath }): Case[] => {
      const name = niftiStem(path) ?? basename(path);
      const image = present(name, path);
      if (!labelPath) return image ? [{ site, name, image, split: 'test' }] : [];
      const label = present(name, labelPath);
      return image ? [{ site, name, image, ...(label && { label }) }] : [];
    });
    return { cases, ...(labels && { classes: labels }) };
  },
};
