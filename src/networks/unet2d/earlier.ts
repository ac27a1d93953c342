/** Files of versions that had formats of their own for the U-Net, in which classes were counted before they had names. */
import { unnamedClasses } from '../family.js';

type Metadata = Record<string, string>;

const today = { family: 'unet2d', windows: JSON.stringify({ slices: 1, scaling: 'volume' }) };

/** How many classes a file has beside the background; none where it does not say. */
function counted(read: () => number): string {
  try {
    return JSON.stringify(unnamedClasses(read()));
  } catch {
    return '[]';
  }
}

export const earlier = {
  model(metadata: Metadata): Metadata | undefined {
    if (metadata.format !== 'graft-model' || metadata.family !== undefined) return undefined;
    const { classNames, ...rest } = metadata;
    const classes = classNames ?? counted(() => JSON.parse(metadata.architecture).outChannels);
    return { ...rest, ...today, classes };
  },
  adapter(metadata: Metadata): Metadata | undefined {
    if (metadata.format !== 'graft-adapter' || metadata.family !== undefined) return undefined;
    const { classNames, lora: options = '{}', ...rest } = metadata;
    const classes = classNames ?? counted(() => Number(metadata.classes) - 1);
    return { ...rest, ...today, classes, options };
  },
};
