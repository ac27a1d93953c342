/**
 * The Medical Segmentation Decathlon: `dataset.json` lists `training` (image and label) and `test` (image); the files lie
 * in `imagesTr`, `labelsTr` and `imagesTs`. The task is one site, named as its folder. MONAI's lists are the same and
 * may have `validation` as well; the set then divides its cases itself.
 *
 * The Decathlon's test images have no labels: they are cases of the part `test` that cannot be scored. Left out: tasks with several
 * channels (BRATS, Prostate), whose images are 4-D and are refused one by one when they are read.
 */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Case } from '../dataset.js';
import { niftiStem } from '../nifti/index.js';
import { layoutError } from './errors.js';
import { assertNifti, type Layout, labelsSchema, readList } from './layout.js';

const labelled = z.object({ image: z.string(), label: z.string() });
const schema = z.object({
  training: z.array(labelled).min(1),
  validation: z.array(labelled).default([]),
  test: z.array(z.union([z.string(), labelled.partial({ label: true })])).default([]),
  labels: labelsSchema,
});

export const msd: Layout = {
  recognises: (root) => existsSync(join(root, 'dataset.json')),
  read(root, report) {
    const list = join(root, 'dataset.json');
    const site = basename(resolve(root));
    const {
      training,
      validation,
      test,
      labels: { classes, ignore },
    } = readList(list, schema);
    const present = (name: string, path: string) => {
      const file = resolve(root, path);
      if (existsSync(file)) {
        assertNifti(file, report, { site, name });
        return file;
      }
      report(layoutError('DATASET_FILE_MISSING', { list, file }), { site, name });
      return undefined;
    };
    const divided = validation.length > 0;
    const entries: (Pick<Case, 'split'> & { image: string; label?: string | undefined })[] = [
      ...training.map((one) => ({ ...one, ...(divided && { split: 'train' as const }) })),
      ...validation.map((one) => ({ ...one, split: 'validation' as const })),
      ...test.map((one) => ({ ...(typeof one === 'string' ? { image: one } : one), split: 'test' as const })),
    ];
    const cases = entries.flatMap(({ image: path, label: labelPath, split }): Case[] => {
      const name = niftiStem(path) ?? basename(path);
      const [image, label] = [path, labelPath].map((one) => (one === undefined ? undefined : present(name, one)));
      return image
        ? [
            {
              site,
              name,
              image,
              ...(label && { label }),
              ...(split && { split }),
              ...(ignore !== undefined && { ignore }),
            },
          ]
        : [];
    });
    return { cases, ...(classes && { classes }) };
  },
};
