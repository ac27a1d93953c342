/** What kind of image a NIfTI file is, in the JSON file beside it, as dcm2niix and BIDS have one: written and read. */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readRegularText, writeFileAtomic } from '../../core/index.js';
import { niftiStem } from '../nifti/index.js';

/** DICOM's words, such as MR. What is none of their form could be anything, also a text that names somebody. */
const word = /^[A-Z]{2,16}$/;
/** DICOM's word for images that are none of the kinds it knows; graft's readers also take it where nothing is said. */
const OTHER = 'OT';

const besideOf = (image: string, stem: string) => join(dirname(image), `${stem}.json`);

/** DICOM's word, such as MR; undefined where there is no such file, or it does not say. */
export function modalityBeside(image: string): string | undefined {
  const stem = niftiStem(image);
  if (stem === undefined) return undefined;
  try {
    const { Modality } = JSON.parse(readRegularText(besideOf(image, stem))) as { Modality?: unknown };
    return typeof Modality === 'string' && word.test(Modality) ? Modality : undefined;
  } catch {
    // Whatever the file is, it is no reason to stop.
    return undefined;
  }
}

/**
 * Writes `CASE.json` beside `CASE.nii.gz` with the modality and nothing else. Where that says nothing there is no such
 * file: one of an earlier image would be taken for this one's.
 *
 * @param image a NIfTI file by its name
 */
export function writeModalityBeside(image: string, modality: string): void {
  const file = besideOf(image, niftiStem(image)!);
  if (word.test(modality) && modality !== OTHER)
    writeFileAtomic(file, `${JSON.stringify({ Modality: modality }, null, 2)}\n`);
  else rmSync(file, { force: true });
}
