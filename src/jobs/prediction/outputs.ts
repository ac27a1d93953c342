/** Where masks go: their names, and what must not be lost or overwritten. Checked before anything is computed. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isFolder } from '../../core/index.js';
import { jobError } from '../errors.js';
import { bidsMask } from './bids.js';
import { type ImageSource, isDicomFormat, type MaskFormat } from './sources.js';

export interface Outputs {
  /** Folder for the masks: NAME.nii.gz on the image's grid, or NAME.dcm or NAME.rtstruct.dcm that refer to its series; as nnU-Net or BIDS name them. */
  out: string;
  format: MaskFormat;
  /** What becomes of masks that are there already. */
  existing: 'refuse' | 'skip' | 'overwrite';
}

const endings = { 'dicom-seg': '.dcm', rtstruct: '.rtstruct.dcm' };
const endingOf = (format: MaskFormat) => (isDicomFormat(format) ? endings[format] : '.nii.gz');

/**
 * @param name of the volume: a series with several volumes has a mask for each
 * @throws GraftError BIDS_NAME where names of BIDS are asked for and the volume has none
 */
export function maskFile({ out, format }: Pick<Outputs, 'out' | 'format'>, name: string): string {
  if (format === 'bids') return join(out, bidsMask(name));
  // nnU-Net puts the number of the channel behind the name of the case.
  const own = format === 'nnunet' ? name.replace(/_\d{4}$/, '') : name;
  return join(out, own + endingOf(format));
}

/** The report on a DICOM-SEG lies beside it. */
export const reportFile = (mask: string): string => mask.replace(/\.dcm$/, '.sr.dcm');

/** Whether a file's name ends as masks of one format do, and as those of no other. */
const hasEnding = (file: string, format: MaskFormat) =>
  file.endsWith(endingOf(format)) && !(format === 'dicom-seg' && /\.(rtstruct|sr)\.dcm$/.test(file));

/**
 * Refuses what would lose something: two masks under one name, a mask in the place of an image, and, unless asked for,
 * masks in the place of others.
 *
 * @throws GraftError OUT_NOT_FOLDER, SAME_NAME, BIDS_NAME, MASK_OVER_IMAGE, MASKS_EXIST
 */
export function checkOutputs(sources: readonly ImageSource[], outputs: Outputs): void {
  const byMask = new Map<string, ImageSource>();
  const images = new Set(
    sources.flatMap(({ path }) => (path !== undefined && existsSync(path) ? realpathSync(path) : [])),
  );
  const there: string[] = [];
  const deep = outputs.format === 'bids';
  if (existsSync(outputs.out) && !isFolder(outputs.out)) throw jobError('OUT_NOT_FOLDER', { out: outputs.out });
  const listed = existsSync(outputs.out) ? readdirSync(outputs.out, { recursive: deep, encoding: 'utf8' }) : [];
  for (const source of sources) {
    const mask = maskFile(outputs, source.name);
    const first = byMask.get(mask);
    const shown = ({ path, name }: ImageSource) => path ?? name;
    if (first) throw jobError('SAME_NAME', { first: shown(first), second: shown(source), mask });
    byMask.set(mask, source);
    if (existsSync(mask) && images.has(realpathSync(mask))) throw jobError('MASK_OVER_IMAGE', { mask });
    there.push(...masksOf(source, listed, outputs));
  }
  if (there.length > 0 && outputs.existing === 'refuse')
    throw jobError('MASKS_EXIST', { count: there.length, file: join(outputs.out, there[0]) });
}

/** The masks of a source in the folder. The volumes of a series are known only when it is converted; they begin with its name. */
function masksOf({ name, series }: ImageSource, listed: readonly string[], outputs: Outputs): string[] {
  const own = relative(outputs.out, maskFile(outputs, name));
  return listed.filter(
    (file) =>
      file === own ||
      file === reportFile(own) ||
      (series && file.startsWith(`${name}_`) && hasEnding(file, outputs.format)),
  );
}
