/** The segments of a DICOM-SEG: what each class is, and what found it (PS3.3 C.8.20.4). */
import type { Dataset } from './encode.js';
import { code } from './segment-frames.js';

/** What made a mask. */
export interface Algorithm {
  name: string;
  version: string;
  /** SHA-256 of the model and of the adapter, in hexadecimal. */
  model?: string;
  adapter?: string;
}

/** @param own gives text a form that the file's character set can hold */
export function segmentSequence(
  classes: readonly string[],
  algorithm: Algorithm,
  own: (text: string) => string,
): Dataset[] {
  const digests = [algorithm.model && `model ${algorithm.model}`, algorithm.adapter && `adapter ${algorithm.adapter}`];
  const parameters = digests.filter(Boolean).join('\n');
  const identification: Dataset = {
    AlgorithmFamilyCodeSequence: code('123110', 'DCM', 'Artificial Intelligence'),
    AlgorithmName: own(algorithm.name),
    AlgorithmVersion: own(algorithm.version),
    ...(parameters && { AlgorithmParameters: parameters }),
  };
  return classes.map((name, i) => ({
    SegmentNumber: i + 1,
    SegmentLabel: labelOf(own(name), i + 1),
    SegmentAlgorithmType: 'AUTOMATIC',
    SegmentAlgorithmName: own(algorithm.name),
    SegmentationAlgorithmIdentificationSequence: [identification],
    SegmentedPropertyCategoryCodeSequence: code('91723000', 'SCT', 'Anatomical Structure'),
    SegmentedPropertyTypeCodeSequence: code('85756007', 'SCT', 'Tissue'),
  }));
}

/** A backslash would make two labels of one. */
const labelOf = (name: string, number: number) => name.replaceAll('\\', '/').trim() || `class ${number}`;
