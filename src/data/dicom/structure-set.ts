/**
 * Masks as RT Structure Sets (PS3.3 A.19.3, C.8.8.5 to C.8.8.8), which radiotherapy reads: for each class a region of
 * interest with closed planar contours on the source's own slices.
 *
 * Written in implicit VR, as the outline of a large organ can be longer than an explicit length may say.
 */
import { version } from '../../core/index.js';
import { codesOf } from './class-codes.js';
import { contoursOf } from './contours.js';
import { type Dataset, encodeFile } from './encode.js';
import type { PlacedFrame } from './frames-on-grid.js';
import { graftItself, imagesOf, type MaskSource, madeObject } from './mask-source.js';
import { code, labelsIn } from './segment-frames.js';
import type { DicomSegmentationOptions } from './segmentation.js';
import { labelOf } from './segments.js';

/**
 * @param labels uint8 [z, y, x] in RAS; the number k is the class `classes[k - 1]`
 * @returns the whole file
 */
export function structureSetFile(
  labels: Uint8Array,
  source: MaskSource,
  options: DicomSegmentationOptions,
): Uint8Array {
  const { classes, algorithm = graftItself, codes, warnings = [] } = options;
  const { identity, headers, frames, frameOfReference } = source;
  const { own } = identity;
  const present = frames.map((frame) => labelsIn(labels, frame));
  const all = classes.map((name, i) => ({
    ...codesOf(name, i, codes),
    number: i + 1,
    name: labelOf(own(name), i + 1),
  }));
  const dataset: Dataset = {
    ...madeObject(source, 'RTSTRUCT', options),
    FrameOfReferenceUID: frameOfReference,
    PositionReferenceIndicator: '',
    OperatorsName: '',
    StructureSetLabel: 'SEGMENTATION',
    ...(warnings.length > 0 && { StructureSetDescription: own(warnings.join('\n')) }),
    ReferencedFrameOfReferenceSequence: [
      {
        FrameOfReferenceUID: frameOfReference,
        RTReferencedStudySequence: [
          {
            // Detached Study Management, which is retired, and which structure sets go on to name (PS3.3 C.8.8.5.2).
            ReferencedSOPClassUID: '1.2.840.10008.3.1.2.3.1',
            ReferencedSOPInstanceUID: headers[0].study,
            RTReferencedSeriesSequence: [
              { SeriesInstanceUID: headers[0].series, ContourImageSequence: imagesOf(source).map(imageReference) },
            ],
          },
        ],
      },
    ],
    StructureSetROISequence: all.map(({ number, name }) => ({
      ROINumber: number,
      ReferencedFrameOfReferenceUID: frameOfReference,
      ROIName: name,
      ROIGenerationAlgorithm: 'AUTOMATIC',
      ROIGenerationDescription: own(`${algorithm.name} ${algorithm.version}`),
    })),
    ROIContourSequence: all.map(({ number, colour }) => {
      const contours = frames.flatMap((frame, f) => (present[f].has(number) ? contoursIn(frame, labels, number) : []));
      return {
        ReferencedROINumber: number,
        ROIDisplayColor: [...colour],
        ...(contours.length > 0 && { ContourSequence: contours }),
      };
    }),
    RTROIObservationsSequence: all.map(({ number, type }) => ({
      ObservationNumber: number,
      ReferencedROINumber: number,
      RTROIIdentificationCodeSequence: code(type.value, type.scheme, own(type.meaning)),
      RTROIInterpretedType: '',
      ROIInterpreter: '',
    })),
    ApprovalStatus: 'UNAPPROVED',
  };
  return encodeFile(dataset, version, 'implicit');
}

const imageReference = ({ sopClass, instance }: PlacedFrame['header']) => ({
  ReferencedSOPClassUID: sopClass,
  ReferencedSOPInstanceUID: instance,
});

/** The contours of a class on a slice, in mm of the patient (to the left, to the back, to the head), to a micrometre. */
function contoursIn({ header, number, frame, start, down, right }: PlacedFrame, labels: Uint8Array, label: number) {
  const { position, orientation, pixelSpacing } = frame;
  const [betweenRows, betweenColumns] = pixelSpacing;
  const image = { ...imageReference(header), ...(header.frameCount > 1 && { ReferencedFrameNumber: number }) };
  const isInside = (row: number, column: number) => labels[start + row * down + column * right] === label;
  return contoursOf(header.rows, header.columns, isInside).map((corners) => ({
    ContourImageSequence: [image],
    ContourGeometricType: 'CLOSED_PLANAR',
    NumberOfContourPoints: corners.length,
    // The position is that of the first pixel's centre.
    ContourData: corners.flatMap(([row, column]) =>
      [0, 1, 2].map((axis) => {
        const alongRow = orientation[axis] * betweenColumns * (column - 0.5);
        const mm = position[axis] + alongRow + orientation[axis + 3] * betweenRows * (row - 0.5);
        return Number(mm.toFixed(3)) + 0;
      }),
    ),
  }));
}
