/** The families of networks that graft knows: a line each. */
import type { NetworkFamily } from './family.js';
import { plainUNet } from './plain-unet/index.js';
import { sam } from './sam/index.js';
import { unet2d } from './unet2d/index.js';

/** All families by name, such as `networkFamilies.unet2d`. */
export const networkFamilies: Readonly<Record<string, NetworkFamily>> = {
  unet2d,
  sam,
  'plain-unet': plainUNet,
};

/** Where nothing else is asked for: the network that is trained on a source and adapted, and the one that is fine-tuned. */
export const defaultSizes = { source: 'unet2d', foundation: 'sam-tiny' } as const;

/** The size names of all families, in the order of the families. */
export const sizeNames: readonly string[] = Object.values(networkFamilies).flatMap(({ sizes }) => sizes);

/** The family that has a size of this name. */
export const familyOfSize = (size: string): NetworkFamily =>
  Object.values(networkFamilies).find(({ sizes }) => sizes.includes(size)) as NetworkFamily;

/** The settings of all these families by name, for schemas that take those of any. */
export const settingsOf = (list: readonly NetworkFamily[] = Object.values(networkFamilies)): object =>
  Object.assign({}, ...list.map(({ settings }) => settings.shape));

/** How checkpoints of other programs may expect their images, of all families. */
export const scalings: readonly string[] = Object.values(networkFamilies).flatMap((family) => family.scalings ?? []);
