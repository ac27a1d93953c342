/** The segments of a DICOM-SEG: what each class is, and what found it (PS3.3 C.8.20.4). */
import { type Code, codesOf, type GivenCodes } from './class-codes.js';
import { labOf } from './colour.js';
import type { Dataset } from './encode.js';
import { code, uidOf } from './segment-frames.js';

/** What made a mask. */
export interface Algorithm {
  name: string;
  version: string;
  /** SHA-256 of the model and of the adapter, in hexadecimal. */
  model?: string;
  adapter?: string;
}

/** The family of what graft segments with (CID 7162). */
export const artificialIntelligence = ['123110', 'DCM', 'Artificial Intelligence'] as const;

/** The digests of what made a mask, as parameters of its algorithm. */
export const parametersOf = ({ model, adapter }: Algorithm): string[] =>
  [model && `model ${model}`, adapter && `adapter ${adapter}`].filter(
    (one) => one !== undefined && one !== '',
  ) as string[];

/** By which a segment and what was measured of it are known as one. @param instance of the DICOM-SEG */
export const trackingUid = (instance: string, segment: number): string => uidOf(`${instance} segment ${segment}`);

/**
 * @param instance identifier of the DICOM-SEG
 * @param codes that a user gives to classes; default: those of the table of common organs
 * @param own gives text a form that the file's character set can hold
 */
export function segmentSequence(
  instance: string,
  classes: readonly string[],
  algorithm: Algorithm,
  codes: GivenCodes | undefined,
  own: (text: string) => string,
): Dataset[] {
  const coded = ({ value, scheme, meaning }: Code) => code(value, scheme, own(meaning));
  const parameters = parametersOf(algorithm).join('\n');
  const identification: Dataset = {
    AlgorithmFamilyCodeSequence: code(...artificialIntelligence),
    AlgorithmName: own(algorithm.name),
    AlgorithmVersion: own(algorithm.version),
    ...(parameters && { AlgorithmParameters: parameters }),
  };
  return classes.map((name, i) => {
    const { category, type, modifier, region, regionModifier, colour } = codesOf(name, i, codes);
    const label = labelOf(own(name), i + 1);
    return {
      SegmentNumber: i + 1,
      SegmentLabel: label,
      TrackingID: label,
      TrackingUID: trackingUid(instance, i + 1),
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
