/** What kind of image a NIfTI file is, where the JSON file beside it says so, as dcm2niix and BIDS write one. */
import { dirname, join } from 'node:path';
import { readRegularText } from '../../core/index.js';
import { niftiStem } from '../nifti/index.js';

/** DICOM's word, such as MR; undefined where there is no such file, or it does not say. */
export function modalityBeside(image: string): string | undefined {
  const stem = niftiStem(image);
  if (stem === undefined) return undefined;
  try {
    const { Modality } = JSON.parse(readRegularText(join(dirname(image), `${stem}.json`))) as { Modality?: unknown };
    return typeof Modality === 'string' && /^[A-Z]{2,16}$/.test(Modality) ? Modality : undefined;
  } catch {
    // Whatever the file is, it is no reason to stop.
    return undefined;
  }
}
