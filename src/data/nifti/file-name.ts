/** Which files are NIfTI by their names, and what they are called without the ending. */
import { basename } from 'node:path';

const ending = /\.nii(\.gz)?$/i;

/**
 * `CASE` of `FOLDER/CASE.nii`, `CASE.nii.gz` or, as some scanners and Windows programs write it, `CASE.NII.GZ`.
 *
 * @returns undefined for files of other kinds
 */
export function niftiStem(path: string): string | undefined {
  const name = basename(path);
  const stem = name.replace(ending, '');
  return stem !== '' && stem !== name ? stem : undefined;
}

/** Whether a file of this name is packed with gzip. */
export const isPackedName = (path: string): boolean => /\.gz$/i.test(path);
