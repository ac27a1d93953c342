/** The elements of a DICOM file that graft reads before conversion (PS3.6); all others are passed over. */

export const tags = {
  transferSyntax: 0x0002_0010,
  characterSet: 0x0008_0005,
  imageType: 0x0008_0008,
  sopClass: 0x0008_0016,
  instance: 0x0008_0018,
  studyDate: 0x0008_0020,
  studyTime: 0x0008_0030,
  accession: 0x0008_0050,
  modality: 0x0008_0060,
  manufacturer: 0x0008_0070,
  institution: 0x0008_0080,
  referringPhysician: 0x0008_0090,
  studyDescription: 0x0008_1030,
  seriesDescription: 0x0008_103e,
  model: 0x0008_1090,
  patientName: 0x0010_0010,
  patientId: 0x0010_0020,
  issuerOfPatientId: 0x0010_0021,
  birthDate: 0x0010_0030,
  sex: 0x0010_0040,
  otherPatientIds: 0x0010_1000,
  otherPatientNames: 0x0010_1001,
  birthName: 0x0010_1005,
  bodyPart: 0x0018_0015,
  sliceThickness: 0x0018_0050,
  fieldStrength: 0x0018_0087,
  sliceSpacing: 0x0018_0088,
  /** Siemens: the slices that a mosaic shows side by side. */
  mosaicSlices: 0x0019_100a,
  protocol: 0x0018_1030,
  gantryTilt: 0x0018_1120,
  study: 0x0020_000d,
  series: 0x0020_000e,
  studyId: 0x0020_0010,
  seriesNumber: 0x0020_0011,
  instanceNumber: 0x0020_0013,
  position: 0x0020_0032,
  orientation: 0x0020_0037,
  frameOfReference: 0x0020_0052,
  planePosition: 0x0020_9113,
  planeOrientation: 0x0020_9116,
  samples: 0x0028_0002,
  frames: 0x0028_0008,
  /** Which element differs from frame to frame; of its tag, the group alone is read. */
  frameIncrement: 0x0028_0009,
  rows: 0x0028_0010,
  columns: 0x0028_0011,
  pixelSpacing: 0x0028_0030,
  bits: 0x0028_0100,
  bitsStored: 0x0028_0101,
  highBit: 0x0028_0102,
  signed: 0x0028_0103,
  intercept: 0x0028_1052,
  slope: 0x0028_1053,
  lossy: 0x0028_2110,
  lossyRatio: 0x0028_2112,
  lossyMethod: 0x0028_2114,
  pixelMeasures: 0x0028_9110,
  valueTransformation: 0x0028_9145,
  /** Nuclear medicine: where a detector, or the first reconstructed slice, lies. */
  detectors: 0x0054_0022,
  /** Nuclear medicine: which slice the first frame shows, from 1. */
  firstSlice: 0x0054_0080,
  sliceCount: 0x0054_0081,
  sharedGroups: 0x5200_9229,
  frameGroups: 0x5200_9230,
} as const;
export type TagName = keyof typeof tags;

const counts: readonly TagName[] = [
  'mosaicSlices',
  'samples',
  'frameIncrement',
  'firstSlice',
  'sliceCount',
  'rows',
  'columns',
  'bits',
  'bitsStored',
  'highBit',
  'signed',
];
const sequences: readonly TagName[] = [
  'planePosition',
  'planeOrientation',
  'pixelMeasures',
  'valueTransformation',
  'detectors',
  'sharedGroups',
  'frameGroups',
];

/** Text in the file's character set, kept as the bytes it is. */
const coded: readonly TagName[] = [
  'accession',
  'manufacturer',
  'institution',
  'model',
  'referringPhysician',
  'studyDescription',
  'seriesDescription',
  'protocol',
  'patientName',
  'patientId',
  'issuerOfPatientId',
  'otherPatientIds',
  'otherPatientNames',
  'birthName',
  'studyId',
];

/** Numbers written as text (VR DS). */
export const decimals: readonly TagName[] = [
  'sliceThickness',
  'fieldStrength',
  'sliceSpacing',
  'gantryTilt',
  'position',
  'orientation',
  'pixelSpacing',
  'intercept',
  'slope',
];

/** How the value of an element is stored: text with `\` between values, coded text, 16-bit numbers, nested data sets. */
export type Kind = 'text' | 'coded' | 'counts' | 'items';

const kindOf = (name: TagName): Kind => {
  if (counts.includes(name)) return 'counts';
  if (sequences.includes(name)) return 'items';
  return coded.includes(name) ? 'coded' : 'text';
};
export const kinds: ReadonlyMap<number, Kind> = new Map(
  (Object.keys(tags) as TagName[]).map((name) => [tags[name], kindOf(name)]),
);

/** (7FE0,0008) float, (7FE0,0009) double, (7FE0,0010) integer pixels. */
export const isPixelData = (tag: number): boolean => [0x7fe0_0008, 0x7fe0_0009, 0x7fe0_0010].includes(tag);
