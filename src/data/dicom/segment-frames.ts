/** The frames of a DICOM-SEG: their pixels, where they lie and which source image each comes from. */
import { createHash, randomBytes } from 'node:crypto';
import type { Dataset } from './encode.js';
import type { PlacedFrame } from './frames-on-grid.js';

const uidFrom = (bytes: Buffer) => `2.25.${BigInt(`0x${bytes.toString('hex', 0, 16)}`)}`;

/** A new unique identifier (PS3.5 B.2). */
export const uid = () => uidFrom(randomBytes(16));

/** The unique identifier of what a text says, always the same one. */
export const uidOf = (text: string) => uidFrom(createHash('sha256').update(text).digest());

/** A code sequence of one item. */
export const code = (CodeValue: string, CodingSchemeDesignator: string, CodeMeaning: string) => [
  { CodeValue, CodingSchemeDesignator, CodeMeaning },
];

/** A frame of the DICOM-SEG: the slice and the segment it shows. */
export interface ShownFrame {
  frame: PlacedFrame;
  segment: number;
}

/**
 * What all frames share, and what each has of its own (PS3.3 C.7.6.16).
 *
 * @param frames of the source, in the order in which they lie
 * @param sliceSpacing in mm
 */
export function functionalGroups(
  frames: readonly PlacedFrame[],
  shown: readonly ShownFrame[],
  sliceSpacing: number,
): Dataset {
  const { orientation, pixelSpacing } = frames[0].frame;
  const organization = uid();
  const dimension = (DimensionIndexPointer: number, FunctionalGroupPointer: number, label: string) => ({
    DimensionOrganizationUID: organization,
    DimensionIndexPointer,
    FunctionalGroupPointer,
    DimensionDescriptionLabel: label,
  });
  const places = new Map(frames.map((frame, i) => [frame, i + 1]));
  return {
    NumberOfFrames: shown.length,
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: organization }],
    DimensionIndexSequence: [
      dimension(0x0062000b, 0x0062000a, 'Segment'),
      dimension(0x00200032, 0x00209113, 'Position'),
    ],
    SharedFunctionalGroupsSequence: [
      {
        PlaneOrientationSequence: [{ ImageOrientationPatient: orientation }],
        PixelMeasuresSequence: [
          { PixelSpacing: pixelSpacing, SliceThickness: sliceSpacing, SpacingBetweenSlices: sliceSpacing },
        ],
      },
    ],
    PerFrameFunctionalGroupsSequence: shown.map(({ frame, segment }) => ({
      DerivationImageSequence: [
        {
          SourceImageSequence: [
            {
              ReferencedSOPClassUID: frame.header.sopClass,
              ReferencedSOPInstanceUID: frame.header.instance,
              ...(frame.header.frameCount > 1 && { ReferencedFrameNumber: frame.number }),
              PurposeOfReferenceCodeSequence: code('121322', 'DCM', 'Source image for image processing operation'),
              SpatialLocationsPreserved: 'YES',
            },
          ],
          DerivationCodeSequence: code('113076', 'DCM', 'Segmentation'),
        },
      ],
      FrameContentSequence: [{ DimensionIndexValues: [segment, places.get(frame)!] }],
      PlanePositionSequence: [{ ImagePositionPatient: frame.frame.position }],
      SegmentIdentificationSequence: [{ ReferencedSegmentNumber: segment }],
    })),
  };
}

/** The labels that a frame shows, found in one pass for all classes. */
export function labelsIn(
  labels: Uint8Array,
  { header: { rows, columns }, start, down, right }: PlacedFrame,
): Set<number> {
  const seen = new Uint8Array(256);
  for (let r = 0; r < rows; r++)
    for (let c = 0, at = start + r * down; c < columns; c++, at += right) seen[labels[at]] = 1;
  return new Set(Array.from(seen.keys()).filter((label) => seen[label] === 1));
}

/**
 * One bit a pixel, the first in the lowest bit; frames follow each other without gaps (PS3.5 8.1.1).
 *
 * @param labels uint8 [z, y, x]
 */
export function pack(labels: Uint8Array, shown: readonly ShownFrame[]): Uint8Array {
  const pixels = shown.reduce((sum, { frame: { header } }) => sum + header.rows * header.columns, 0);
  const bytes = new Uint8Array(2 * Math.ceil(pixels / 16));
  let bit = 0;
  for (const { frame, segment } of shown) {
    const { header, start, down, right } = frame;
    for (let r = 0; r < header.rows; r++)
      for (let c = 0, at = start + r * down; c < header.columns; c++, at += right, bit++)
        if (labels[at] === segment) bytes[Math.floor(bit / 8)] |= 1 << (bit % 8);
  }
  return bytes;
}
