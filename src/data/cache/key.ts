/**
 * What a prepared case is a function of: the bytes of its files, the preprocessing, the classes that its label is checked
 * against, and the way graft prepares. The key is a SHA-256 over these; it names the entry, and nothing else does.
 *
 * Files count by their content. Size and time of change would save reading them, but a label that was corrected has the
 * size that it had, and a copy or a backup may bring back the time: training would go on with the old voxels, unseen.
 * Hashing takes a small part of the time that preparing takes, and the same files under other names are found again.
 */
import { createHash } from 'node:crypto';
import { type Pausing, pause, readFault } from '../../core/index.js';
import { type Case, preprocessingOf } from '../dataset.js';
import { dataError } from '../errors.js';
import type { Preprocessing } from '../preprocess/index.js';
import { chunksOf } from './chunks.js';

/** To be raised whenever the same volume is prepared to other bits: a test holds it. */
export const version = 1;

/** A case to be prepared; plain data, so that a thread can be asked for it. */
export interface Request {
  case: Case;
  preprocessing: Preprocessing;
  /** Number of classes with the background. */
  classes: number;
  /** false: the label is not even read. */
  labels: boolean;
}

/** @returns 64 hexadecimal digits @throws GraftError VOLUME_UNREADABLE */
export function* keyOf({ case: one, preprocessing, classes, labels }: Request): Pausing<string> {
  const label = labels ? one.label : undefined;
  const parts = {
    version,
    image: yield* contentHash(one.image),
    ...(label !== undefined && {
      label: yield* contentHash(label),
      classes,
      greatestLabel: one.greatestLabel,
      ignore: one.ignore,
    }),
    preprocessing: preprocessingOf(one, preprocessing),
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function* contentHash(file: string): Pausing<string> {
  const hash = createHash('sha256');
  try {
    for (const chunk of chunksOf(file)) {
      hash.update(chunk);
      yield pause;
    }
  } catch (error) {
    throw dataError('VOLUME_UNREADABLE', { file, reason: readFault(error) }, error);
  }
  return hash.digest('hex');
}
