/**
 * Whose a pseudonym is. It cannot be computed back, also not with the key: the key's holder, who has the images too, makes
 * the pseudonyms of a folder again and sees which is the same. So no table of names has to be kept anywhere.
 */

import type { DicomSeries } from './dicom-series.js';
import { readElements } from './elements.js';
import { dicomError } from './errors.js';
import { knownKey } from './pseudonym.js';
import { scanDicom } from './scan.js';

/** A person, as the headers say; this is what pseudonyms stand in for elsewhere. */
export interface Person {
  patientId: string;
  patientName: string;
  birthDate: string;
  series: DicomSeries[];
}

/**
 * @param pseudonym of a patient or a series, or a file's name that holds them, such as `patient-1a2b3c4d_003-5e6f7a8b.nii.gz`
 * @param key the key's file; default: this user's
 * @returns mostly one; two patients may share a pseudonym of eight digits
 * @throws GraftError PSEUDONYM_INVALID, PSEUDONYM_KEY_MISSING, PSEUDONYM_UNKNOWN, as `scanDicom`
 */
export function whois(pseudonym: string, folder: string, key?: string): Person[] {
  const [patient] = /patient-[0-9a-f]{8}/.exec(pseudonym) ?? [];
  const [, series] = /(?:^|_)(-?\d{2,}-[0-9a-f]{8})/.exec(pseudonym) ?? [];
  if (!patient && !series) throw dicomError('PSEUDONYM_INVALID', { pseudonym });
  const scan = scanDicom(folder, { key: knownKey(key) });
  const meant = scan.series.filter(
    (one) => (!patient || one.patient === patient) && (!series || one.series === series),
  );
  const people = new Map<string, Person>();
  for (const one of meant) {
    const { elements } = readElements(one.files[0])!;
    const [patientId = '', patientName = '', birthDate = ''] = [
      ...[elements.decoded('patientId')?.trim(), elements.decoded('patientName')?.trim(), elements.text('birthDate')],
    ];
    const known = people.get(patientId);
    if (known) known.series.push(one);
    else people.set(patientId, { patientId, patientName, birthDate, series: [one] });
  }
  if (people.size === 0)
    throw dicomError('PSEUDONYM_UNKNOWN', { pseudonym: patient ?? series!, count: scan.series.length });
  return [...people.values()];
}
