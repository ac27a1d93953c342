/** The families of networks that graft knows: a line each. */
import type { Family } from './family.js';
import { plainUNet } from './plain-unet/index.js';
import { sam } from './sam/index.js';
import { unet2d } from './unet2d/index.js';

/** All families by name, such as `families.unet2d`. */
export const families: Readonly<Record<string, Family>> = {
  unet2d,
  sam,
  'plain-unet': plainUNet,
};

/** Where nothing else is asked for: the network that is trained on a source and adapted, and the one that is fine-tuned. */
export const defaultSizes = { source: 'unet2d', foundation: 'sam-tiny' } as const;

/** The size names of all families, in the order of the families. */
export const sizeNames: readonly string[] = Object.values(families).flatMap(({ sizes }) => sizes);

/** The family that has a size of this name. */
export const familyOfSize = (size: string): Family =>
  Object.values(families).find(({ sizes }) => sizes.includes(size)) as Family;

/** The settings of all these families by name, for schemas that take those of any. */
export const settingsOf = (list: readonly Family[] = Object.values(families)): object =>
  Object.assign({}, ...list.map(({ settings }) => settings.shape));

/** How checkpoints of other programs may expect their images, of all families. */
export const scalings: readonly string[] = Object.values(families).flatMap((family) => family.scalings ?? []);
