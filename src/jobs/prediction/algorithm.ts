/** What a DICOM-SEG says of the model that made it. */
import { basename } from 'node:path';
import { sha256, version } from '../../core/index.js';
import type { Algorithm } from '../../data/index.js';

const stem = (file: string) => basename(file).replace(/\.[^.]+$/, '');

/** @param files that were read; their digests tell which they were whatever they are called */
export const algorithmOf = (model: string, adapter: string | undefined): Algorithm => ({
  name: ['graft', stem(model), adapter && `with ${stem(adapter)}`].filter(Boolean).join(' '),
  version,
  model: sha256(model),
  ...(adapter && { adapter: sha256(adapter) }),
});
