/** What a DICOM-SEG says of the model that made it. */
import { basename } from 'node:path';
import { sha256, version } from '../../core/index.js';
import type { Algorithm } from '../../data/index.js';

const stem = (file: string) => basename(file).replace(/\.[^.]+$/, '');

/**
 * For masks of a model with one adapter or another. The digests tell which files they were whatever they are called.
 * @param model a file that was read
 */
export function algorithmOf(model: string): (adapter: string | null | undefined) => Algorithm {
  const digest = sha256(model);
  return (adapter) => ({
    name: ['graft', stem(model), adapter && `with ${stem(adapter)}`].filter(Boolean).join(' '),
    version,
    model: digest,
    ...(adapter && { adapter: sha256(adapter) }),
  });
}
