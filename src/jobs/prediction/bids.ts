/**
 * Masks as a derivative of BIDS (https://bids-specification.readthedocs.io, Derivatives: Imaging data types).
 *
 * A mask has the entities of its image, and `space-T1w` says on which image of theirs it lies: graft reads it so, too.
 */
import { join } from 'node:path';
import { jobError } from '../errors.js';

/** Data types of the suffixes that are not anatomical. */
const dataTypes: Record<string, string> = { bold: 'func', sbref: 'func', dwi: 'dwi', pet: 'pet', asl: 'perf' };
/** Entities that follow `space` are a derivative's own. */
const image = /^(sub-[a-zA-Z0-9]+)((?:_(?!space-)[a-zA-Z0-9]+-[a-zA-Z0-9+]+)*)_([a-zA-Z0-9]+)$/;

/**
 * The place of a mask in the derivative.
 *
 * @param name of the image, such as `sub-01_ses-2_T1w`
 * @throws GraftError BIDS_NAME
 */
export function bidsMask(name: string): string {
  const [, subject, entities, suffix] = image.exec(name) ?? [];
  if (subject === undefined) throw jobError('BIDS_NAME', { name });
  const [, session] = /^_(ses-[a-zA-Z0-9+]+)/.exec(entities) ?? [];
  const folders = [subject, ...(session ? [session] : []), dataTypes[suffix] ?? 'anat'];
  return join(...folders, `${subject}${entities}_space-${suffix}_desc-graft_dseg.nii.gz`);
}
