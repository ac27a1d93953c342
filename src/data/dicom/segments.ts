/** The segments of a DICOM-SEG: what each class is, and what found it (PS3.3 C.8.20.4). */
import { type Code, codesOf, type GivenCodes } from './class-codes.js';
import { labOf } from './colour.js';
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

/**
 * @param codes that a user gives to classes; default: those of the table of common organs
 * @param own gives text a form that the file's character set can hold
 */
export function segmentSequence(
  classes: readonly string[],
  algorithm: Algorithm,
  codes: GivenCodes | undefined,
  own: (text: string) => string,
): Dataset[] {
  const coded = ({ value, scheme, meaning }: Code) => code(value, scheme, own(meaning));
  const digests = [algorithm.model && `model ${algorithm.model}`, algorithm.adapter && `adapter ${algorithm.adapter}`];
  const parameters = digests.filter(Boolean).join('\n');
  const identification: Dataset = {
    AlgorithmFamilyCodeSequence: code('123110', 'DCM', 'Artificial Intelligence'),
    AlgorithmName: own(algorithm.name),
    AlgorithmVersion: own(algorithm.version),
    ...(parameters && { AlgorithmParameters: parameters }),
  };
  return classes.map((name, i) => {
    const { category, type, modifier, region, regionModifier, colour } = codesOf(name, i, codes);
    return {
      SegmentNumber: i + 1,
      SegmentLabel: labelOf(own(name), i + 1),
      SegmentAlgorithmType: 'AUTOMATIC',
      SegmentAlgorithmName: own(algorithm.name),
      SegmentationAlgorithmIdentificationSequence: [identification],
      SegmentedPropertyCategoryCodeSequence: coded(category),
      SegmentedPropertyTypeCodeSequence: [
        {
          ...coded(type)[0],
          ...(modifier && { SegmentedPropertyTypeModifierCodeSequence: coded(modifier) }),
        },
      ],
      ...(region && {
        AnatomicRegionSequence: [
          { ...coded(region)[0], ...(regionModifier && { AnatomicRegionModifierSequence: coded(regionModifier) }) },
        ],
      }),
      RecommendedDisplayCIELabValue: labOf(colour),
    };
  });
}

/** A backslash would make two labels of one. */
export const labelOf = (name: string, number: number) => name.replaceAll('\\', '/').trim() || `class ${number}`;
