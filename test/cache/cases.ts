/** Small data sets on the disk, quickly made. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../../src/core/index.js';
import {
  type Case,
  type CaseSlices,
  cachedSlices,
  type LoadOptions,
  type Preprocessing,
  preprocessingSchema,
  type Triple,
  writeVolume,
} from '../../src/data/index.js';

/** Leaves the volumes' own pixels as they are. */
export const preprocessing = preprocessingSchema.parse({ multiple: 4 });

/** Noise with a labelled corner, as `ROOT/SITE/{images,labels}/NAME.nii`. */
export function writeCase(root: string, name: string, { seed = 1, shape = [4, 8, 12] as Triple, site = 'site' } = {}) {
  const [z, y, x] = shape;
  const stream = random(seed, name);
  const data = Int16Array.from({ length: z * y * x }, () => stream.integer(1000));
  const affine = [1, 0, 0, 0, 0, 1.5, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1];
  const image = join(root, site, 'images', `${name}.nii`);
  const label = join(root, site, 'labels', `${name}.nii`);
  writeVolume(image, { data, shape, affine });
  writeVolume(label, { data: Uint8Array.from(data, (value) => (value > 700 ? 1 : 0)), shape, affine });
  return { site, name, image, label } satisfies Case;
}

/** The cases through the cache; `steps` are what the generator told on its way. */
export async function read(
  folder: string,
  cases: readonly Case[],
  given: Preprocessing = preprocessing,
  options: LoadOptions = { classes: 2 },
): Promise<{ slices: CaseSlices[]; steps: number[] }> {
  const reading = cachedSlices(cases, given, { ...options, folder });
  for (const steps: number[] = []; ; ) {
    const { done, value } = await reading.next();
    if (done) return { slices: value, steps };
    if (typeof value === 'number') steps.push(value);
  }
}

/** All that a case holds, to compare: its tensors as bytes. */
export const contents = (slices: readonly CaseSlices[]) =>
  slices.map(({ images, labels, ...rest }) => ({
    ...rest,
    shape: images.shape,
    images: Buffer.from(images.toBytes()).toString('base64'),
    labels: labels && Buffer.from(labels).toString('base64'),
  }));

/** Every file of the cache with what tells whether it was written again. */
export const entries = (folder: string): Record<string, { ino: number; size: number }> =>
  existsSync(folder)
    ? Object.fromEntries(
        readdirSync(folder).map((name) => {
          const { ino, size } = statSync(join(folder, name));
          return [name, { ino, size }];
        }),
      )
    : {};
