/** The elements of a DICOM file that graft reads before conversion (PS3.6); all others are passed over. */

export const tags = {
  transferSyntax: 0x0002_0010,
  imageType: 0x0008_0008,
  sopClass: 0x0008_0016,
  instance: 0x0008_0018,
  accession: 0x0008_0050,
  modality: 0x0008_0060,
  manufacturer: 0x0008_0070,
  institution: 0x0008_0080,
  model: 0x0008_1090,
  patientName: 0x0010_0010,
  patientId: 0x0010_0020,
  birthDate: 0x0010_0030,
  sliceThickness: 0x0018_0050,
  fieldStrength: 0x0018_0087,
  sliceSpacing: 0x0018_0088,
  /** Siemens: the slices that a mosaic shows side by side. */
  mosaicSlices: 0x0019_100a,
  study: 0x0020_000d,
  series: 0x0020_000e,
  seriesNumber: 0x0020_0011,
  instanceNumber: 0x0020_0013,
  position: 0x0020_0032,
  orientation: 0x0020_0037,
  frameOfReference: 0x0020_0052,
  planePosition: 0x0020_9113,
  planeOrientation: 0x0020_9116,
  samples: 0x0028_0002,
  frames: 0x0028_0008,
  rows: 0x0028_0010,
  columns: 0x0028_0011,
  pixelSpacing: 0x0028_0030,
  bits: 0x0028_0100,
  pixelMeasures: 0x0028_9110,
  sharedGroups: 0x5200_9229,
  frameGroups: 0x5200_9230,
} as const;
export type TagName = keyof typeof tags;

const counts: readonly TagName[] = ['mosaicSlices', 'samples', 'rows', 'columns', 'bits'];
const sequences: readonly TagName[] = [
  'planePosition',
  'planeOrientation',
  'pixelMeasures',
  'sharedGroups',
  'frameGroups',
];

/** How the value of an element is stored: text with `\` between values, 16-bit numbers, or nested data sets. */
export const kinds: ReadonlyMap<number, 'text' | 'counts' | 'items'> = new Map(
  (Object.keys(tags) as TagName[]).map((name) => [
    tags[name],
    counts.includes(name) ? 'counts' : sequences.includes(name) ? 'items' : 'text',
  ]),
);

/** (7FE0,0008) float, (7FE0,0009) double, (7FE0,0010) integer pixels. */
export const isPixelData = (tag: number): boolean => [0x7fe0_0008, 0x7fe0_0009, 0x7fe0_0010].includes(tag);
