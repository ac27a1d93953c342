/**
 * The volumes of a DICOM-SEG's classes as a structured report (PS3.3 A.35.3 Comprehensive SR; PS3.16 TID 1500 with a volumetric
 * group, TID 1411, for each class), which refers to the segments and to the images that were segmented.
 */
import { version } from '../../core/index.js';
import { type Code, codesOf } from './class-codes.js';
import { type Dataset, encodeFile } from './encode.js';
import { graftItself, imagesOf, type MaskSource, madeObject, type Reference } from './mask-source.js';
import { code, uidOf } from './segment-frames.js';
import type { DicomSegmentationOptions } from './segmentation.js';
import { type Algorithm, artificialIntelligence, labelOf, parametersOf, trackingUid } from './segments.js';

type Relation = 'CONTAINS' | 'HAS CONCEPT MOD' | 'HAS OBS CONTEXT';
type Concept = readonly [value: string, scheme: string, meaning: string];

/** What is reported (CID 100). */
const procedures: Record<string, Concept> = {
  CT: ['25045-6', 'LN', 'CT unspecified body region'],
  MR: ['25056-3', 'LN', 'MRI unspecified body region'],
  PT: ['44136-0', 'LN', 'PET unspecified body region'],
  NM: ['49118-3', 'LN', 'NM unspecified body region'],
};
/** How volumes are measured (CID 7474). */
const voxelCount: Concept = ['126030', 'DCM', 'Sum of segmented voxel method for volume'];
const anyProcedure: Concept = ['363679005', 'SCT', 'Imaging procedure'];

/**
 * @param labels uint8 [z, y, x] in RAS; the number k is the class `classes[k - 1]`
 * @param segmentation of the same labels
 * @returns the whole file
 */
export function measurementReportFile(
  labels: Uint8Array,
  source: MaskSource,
  segmentation: Reference,
  options: DicomSegmentationOptions,
): Uint8Array {
  const { headers, identity, series } = source;
  const { algorithm = graftItself } = options;
  const images = imagesOf(source);
  const evidence = (uidOfSeries: string, referred: Dataset[]): Dataset => ({
    SeriesInstanceUID: uidOfSeries,
    ReferencedSOPSequence: referred,
  });
  const dataset: Dataset = {
    ...madeObject(source, 'SR', options),
    ReferencedPerformedProcedureStepSequence: [],
    PerformedProcedureCodeSequence: [],
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    CurrentRequestedProcedureEvidenceSequence: [
      {
        StudyInstanceUID: headers[0].study,
        ReferencedSeriesSequence: [
          evidence(segmentation.series, [referred(segmentation)]),
          evidence(headers[0].series, images.map(referred)),
        ],
      },
    ],
    ...container(['126000', 'DCM', 'Imaging Measurement Report'], '1500'),
    ContentSequence: [
      {
        ...coded(
          'HAS CONCEPT MOD',
          ['121049', 'DCM', 'Language of Content Item and Descendants'],
          ['en', 'RFC5646', 'English'],
        ),
      },
      coded('HAS OBS CONTEXT', ['121005', 'DCM', 'Observer Type'], ['121007', 'DCM', 'Device']),
      identifier('HAS OBS CONTEXT', ['121012', 'DCM', 'Device Observer UID'], observerOf(algorithm)),
      text('HAS OBS CONTEXT', ['121013', 'DCM', 'Device Observer Name'], identity.own(algorithm.name)),
      text('HAS OBS CONTEXT', ['121014', 'DCM', 'Device Observer Manufacturer'], 'graft'),
      coded('HAS CONCEPT MOD', ['121058', 'DCM', 'Procedure reported'], procedures[series.modality] ?? anyProcedure),
      {
        RelationshipType: 'CONTAINS',
        ...container(['111028', 'DCM', 'Image Library']),
        ContentSequence: [
          {
            RelationshipType: 'CONTAINS',
            ...container(['126200', 'DCM', 'Image Library Group']),
            ContentSequence: images.map((image) => ({
              RelationshipType: 'CONTAINS',
              ValueType: 'IMAGE',
              ReferencedSOPSequence: [referred(image)],
            })),
          },
        ],
      },
      {
        RelationshipType: 'CONTAINS',
        ...container(['126010', 'DCM', 'Imaging Measurements']),
        ContentSequence: groups(labels, source, segmentation, options),
      },
    ],
  };
  return encodeFile(dataset, version);
}

/** What measured: the same for all that one model and adapter measure, in one version of graft. */
const observerOf = (algorithm: Algorithm) => uidOf(JSON.stringify([algorithm.version, ...parametersOf(algorithm)]));

function groups(
  labels: Uint8Array,
  { headers, identity: { own }, voxelMl }: MaskSource,
  segmentation: Reference,
  { classes, codes, algorithm = graftItself, warnings = [] }: DicomSegmentationOptions,
): Dataset[] {
  const voxels = new Array<number>(256).fill(0);
  for (const label of labels) voxels[label]++;
  const conceptOf = ({ value, scheme, meaning }: Code): Concept => [value, scheme, own(meaning)];
  return classes.map((name, i): Dataset => {
    const { category, type, modifier, region, regionModifier } = codesOf(name, i, codes);
    const [site, side] = region ? [region, regionModifier] : [type, modifier];
    return {
      RelationshipType: 'CONTAINS',
      ...container(['125007', 'DCM', 'Measurement Group'], '1411'),
      ContentSequence: [
        text('HAS OBS CONTEXT', ['112039', 'DCM', 'Tracking Identifier'], labelOf(own(name), i + 1)),
        identifier(
          'HAS OBS CONTEXT',
          ['112040', 'DCM', 'Tracking Unique Identifier'],
          trackingUid(segmentation.instance, i + 1),
        ),
        coded('CONTAINS', ['276214006', 'SCT', 'Finding category'], conceptOf(category)),
        coded('CONTAINS', ['121071', 'DCM', 'Finding'], conceptOf(type)),
        {
          ...coded('HAS CONCEPT MOD', ['363698007', 'SCT', 'Finding Site'], conceptOf(site)),
          ...(side && {
            ContentSequence: [coded('HAS CONCEPT MOD', ['272741003', 'SCT', 'Laterality'], conceptOf(side))],
          }),
        },
        {
          RelationshipType: 'CONTAINS',
          ValueType: 'IMAGE',
          ConceptNameCodeSequence: code('121191', 'DCM', 'Referenced Segment'),
          ReferencedSOPSequence: [{ ...referred(segmentation), ReferencedSegmentNumber: i + 1 }],
        },
        identifier('CONTAINS', ['121232', 'DCM', 'Source series for segmentation'], headers[0].series),
        {
          RelationshipType: 'CONTAINS',
          ValueType: 'NUM',
          ConceptNameCodeSequence: code('118565006', 'SCT', 'Volume'),
          MeasuredValueSequence: [
            {
              NumericValue: Number((voxels[i + 1] * voxelMl).toFixed(3)),
              MeasurementUnitsCodeSequence: code('ml', 'UCUM', 'milliliter'),
            },
          ],
          ContentSequence: [
            coded('HAS CONCEPT MOD', ['370129005', 'SCT', 'Measurement Method'], voxelCount),
            coded('HAS CONCEPT MOD', ['111000', 'DCM', 'Algorithm Family'], artificialIntelligence),
            text('HAS CONCEPT MOD', ['111001', 'DCM', 'Algorithm Name'], own(algorithm.name)),
            text('HAS CONCEPT MOD', ['111003', 'DCM', 'Algorithm Version'], own(algorithm.version)),
            ...parametersOf(algorithm).map((one) =>
              text('HAS CONCEPT MOD', ['111002', 'DCM', 'Algorithm Parameters'], one),
            ),
          ],
        },
        ...warnings.map((warning) => text('CONTAINS', ['121106', 'DCM', 'Comment'], own(warning))),
      ],
    };
  });
}

const referred = ({ sopClass, instance }: { sopClass: string; instance: string }): Dataset => ({
  ReferencedSOPClassUID: sopClass,
  ReferencedSOPInstanceUID: instance,
});

const container = (concept: Concept, template?: string): Dataset => ({
  ValueType: 'CONTAINER',
  ConceptNameCodeSequence: code(...concept),
  ContinuityOfContent: 'SEPARATE',
  ...(template && {
    ContentTemplateSequence: [
      { MappingResource: 'DCMR', MappingResourceUID: '1.2.840.10008.8.1.1', TemplateIdentifier: template },
    ],
  }),
});

const coded = (RelationshipType: Relation, concept: Concept, value: Concept): Dataset => ({
  RelationshipType,
  ValueType: 'CODE',
  ConceptNameCodeSequence: code(...concept),
  ConceptCodeSequence: code(...value),
});

const text = (RelationshipType: Relation, concept: Concept, TextValue: string): Dataset => ({
  RelationshipType,
  ValueType: 'TEXT',
  ConceptNameCodeSequence: code(...concept),
  TextValue,
});

const identifier = (RelationshipType: Relation, concept: Concept, ContentUID: string): Dataset => ({
  RelationshipType,
  ValueType: 'UIDREF',
  ConceptNameCodeSequence: code(...concept),
  ContentUID,
});
