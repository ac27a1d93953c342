/** DICOM: folders of series as volumes, pseudonyms, masks as DICOM-SEG. */
export type { ClassCodes, Code, GivenCodes } from './class-codes.js';
export { readSegmentCodes } from './codes-file.js';
export { convertDicomSeries, type NiftiBytes, niftiOfSeries } from './convert.js';
export * from './deidentify/index.js';
export type { DicomSeries } from './dicom-series.js';
export { implementation } from './encode.js';
export { dicomError, dicomErrors, type Problem } from './errors.js';
export { type Identifiers, identifiersOf } from './identifiers.js';
export { type MaskSource, maskSource } from './mask-source.js';
export { measurementReportFile } from './measurement-report.js';
export { pseudonymise, pseudonymKey, uidName } from './pseudonym.js';
export {
  assertSeries,
  type DicomScan,
  isDicom,
  patientMask,
  scanDicom,
  scanDicomWithPauses,
} from './scan.js';
export { type DicomSegmentationOptions, segmentationFile, writeDicomSegmentation } from './segmentation.js';
export type { Algorithm } from './segments.js';
export { type SeriesWords, seriesWords } from './series-words.js';
export { fileHead, isUid, type ObjectKind, type StoredObject, storedObject } from './stored-object.js';
export { structureSetFile } from './structure-set.js';
export { type Person, whois } from './whois.js';
