/**
 * What a file says of how its image was taken: DICOM's headers, and the JSON file beside a NIfTI file, as dcm2niix and BIDS
 * have one, which is written and read here.
 */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readRegularText, writeFileAtomic } from '../../core/index.js';
import { niftiStem } from '../nifti/index.js';

/** What is known of an image beside its voxels. */
export interface ScanTags {
  /** DICOM's word, such as MR. */
  modality: string | undefined;
  /** Manufacturer and model, such as `siemens skyra`, however headers spell the manufacturer. */
  scanner: string | undefined;
}

interface Header {
  modality: string | undefined;
  manufacturer: string | undefined;
  model: string | undefined;
}

/** DICOM's words, such as MR. What is none of their form could be anything, also a text that names somebody. */
const word = /^[A-Z]{2,16}$/;
/** DICOM's word for images that are none of the kinds it knows; graft's readers also take it where nothing is said. */
const OTHER = 'OT';
/** What makers call themselves and their devices. */
const label = /^[A-Za-z0-9][\w .,+/()-]{0,63}$/;

/** The tags that headers give. */
export function tagsOf({ modality, manufacturer, model }: Header): ScanTags {
  const [maker, device] = [manufacturer, model].map((text) => wordsOf(text ?? ''));
  // One maker has several names: "SIEMENS" and "Siemens Healthineers", "GE" and "GE MEDICAL SYSTEMS".
  const scanner = maker.length > 0 && device.length > 0 ? [maker[0], ...device].join(' ') : undefined;
  return { modality, scanner };
}
const wordsOf = (text: string): string[] => (label.test(text) ? (text.toLowerCase().match(/[a-z0-9]+/g) ?? []) : []);

const besideOf = (image: string, stem: string) => join(dirname(image), `${stem}.json`);

/** The tags of a NIfTI file; undefined where there is no file beside it, or it does not say. */
export function tagsBeside(image: string): ScanTags {
  const unknown = { modality: undefined, scanner: undefined };
  const stem = niftiStem(image);
  if (stem === undefined) return unknown;
  try {
    const said = JSON.parse(readRegularText(besideOf(image, stem))) as Record<string, unknown>;
    const text = (key: string, form: RegExp) => {
      const value = said[key];
      return typeof value === 'string' && form.test(value) ? value : undefined;
    };
    return tagsOf({
      modality: text('Modality', word),
      manufacturer: text('Manufacturer', label),
      model: text('ManufacturersModelName', label),
    });
  } catch {
    // Whatever the file is, it is no reason to stop.
    return unknown;
  }
}

/**
 * Writes `CASE.json` beside `CASE.nii.gz` with the modality, the manufacturer and the model, and nothing else. Where none
 * is said there is no such file: one of an earlier image would be taken for this one's.
 *
 * @param image a NIfTI file by its name
 */
export function writeTagsBeside(image: string, { modality = OTHER, manufacturer = '', model = '' }: Header): void {
  const file = besideOf(image, niftiStem(image)!);
  const said = {
    ...(word.test(modality) && modality !== OTHER && { Modality: modality }),
    ...(label.test(manufacturer) && { Manufacturer: manufacturer }),
    ...(label.test(model) && { ManufacturersModelName: model }),
  };
  if (Object.keys(said).length > 0) writeFileAtomic(file, `${JSON.stringify(said, null, 2)}\n`);
  else rmSync(file, { force: true });
}
