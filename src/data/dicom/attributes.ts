/** The elements that graft writes, by their names in the DICOM dictionary (PS3.6): tag and value representation. */

/** The value representations graft writes. */
export type Vr =
  | 'CS'
  | 'DA'
  | 'DS'
  | 'DT'
  | 'IS'
  | 'LO'
  | 'LT'
  | 'OB'
  | 'PN'
  | 'SH'
  | 'SQ'
  | 'ST'
  | 'TM'
  | 'UI'
  | 'UL'
  | 'US'
  | 'UT'
  | 'AT';

/** `GGGGEEEE VR` */
const dictionary = {
  FileMetaInformationGroupLength: '00020000 UL',
  FileMetaInformationVersion: '00020001 OB',
  MediaStorageSOPClassUID: '00020002 UI',
  MediaStorageSOPInstanceUID: '00020003 UI',
  TransferSyntaxUID: '00020010 UI',
  ImplementationClassUID: '00020012 UI',
  ImplementationVersionName: '00020013 SH',
  SpecificCharacterSet: '00080005 CS',
  ImageType: '00080008 CS',
  SOPClassUID: '00080016 UI',
  SOPInstanceUID: '00080018 UI',
  StudyDate: '00080020 DA',
  SeriesDate: '00080021 DA',
  ContentDate: '00080023 DA',
  StudyTime: '00080030 TM',
  SeriesTime: '00080031 TM',
  ContentTime: '00080033 TM',
  AccessionNumber: '00080050 SH',
  Modality: '00080060 CS',
  Manufacturer: '00080070 LO',
  ReferringPhysicianName: '00080090 PN',
  CodeValue: '00080100 SH',
  CodingSchemeDesignator: '00080102 SH',
  CodeMeaning: '00080104 LO',
  MappingResource: '00080105 CS',
  MappingResourceUID: '00080118 UI',
  StudyDescription: '00081030 LO',
  OperatorsName: '00081070 PN',
  SeriesDescription: '0008103E LO',
  ManufacturerModelName: '00081090 LO',
  ReferencedSeriesSequence: '00081115 SQ',
  ReferencedPerformedProcedureStepSequence: '00081111 SQ',
  ReferencedSOPClassUID: '00081150 UI',
  ReferencedSOPInstanceUID: '00081155 UI',
  ReferencedFrameNumber: '00081160 IS',
  ReferencedSOPSequence: '00081199 SQ',
  ReferencedInstanceSequence: '0008114A SQ',
  SourceImageSequence: '00082112 SQ',
  DerivationImageSequence: '00089124 SQ',
  DerivationCodeSequence: '00089215 SQ',
  PatientName: '00100010 PN',
  PatientID: '00100020 LO',
  IssuerOfPatientID: '00100021 LO',
  PatientBirthDate: '00100030 DA',
  PatientSex: '00100040 CS',
  DeviceSerialNumber: '00181000 LO',
  SoftwareVersions: '00181020 LO',
  SliceThickness: '00180050 DS',
  SpacingBetweenSlices: '00180088 DS',
  ContributingEquipmentSequence: '0018A001 SQ',
  ContributionDateTime: '0018A002 DT',
  ContributionDescription: '0018A003 ST',
  StudyInstanceUID: '0020000D UI',
  SeriesInstanceUID: '0020000E UI',
  StudyID: '00200010 SH',
  SeriesNumber: '00200011 IS',
  InstanceNumber: '00200013 IS',
  ImagePositionPatient: '00200032 DS',
  ImageOrientationPatient: '00200037 DS',
  FrameOfReferenceUID: '00200052 UI',
  PositionReferenceIndicator: '00201040 LO',
  ImageComments: '00204000 LT',
  FrameContentSequence: '00209111 SQ',
  PlanePositionSequence: '00209113 SQ',
  PlaneOrientationSequence: '00209116 SQ',
  DimensionIndexValues: '00209157 UL',
  DimensionOrganizationUID: '00209164 UI',
  DimensionIndexPointer: '00209165 AT',
  FunctionalGroupPointer: '00209167 AT',
  DimensionOrganizationSequence: '00209221 SQ',
  DimensionIndexSequence: '00209222 SQ',
  DimensionDescriptionLabel: '00209421 LO',
  SamplesPerPixel: '00280002 US',
  PhotometricInterpretation: '00280004 CS',
  NumberOfFrames: '00280008 IS',
  Rows: '00280010 US',
  Columns: '00280011 US',
  PixelSpacing: '00280030 DS',
  BitsAllocated: '00280100 US',
  BitsStored: '00280101 US',
  HighBit: '00280102 US',
  PixelRepresentation: '00280103 US',
  LossyImageCompression: '00282110 CS',
  LossyImageCompressionRatio: '00282112 DS',
  LossyImageCompressionMethod: '00282114 CS',
  PixelMeasuresSequence: '00289110 SQ',
  SpatialLocationsPreserved: '0028135A CS',
  MeasurementUnitsCodeSequence: '004008EA SQ',
  RelationshipType: '0040A010 CS',
  ValueType: '0040A040 CS',
  ConceptNameCodeSequence: '0040A043 SQ',
  ContinuityOfContent: '0040A050 CS',
  ContentUID: '0040A124 UI',
  TextValue: '0040A160 UT',
  ConceptCodeSequence: '0040A168 SQ',
  PurposeOfReferenceCodeSequence: '0040A170 SQ',
  MeasuredValueSequence: '0040A300 SQ',
  NumericValue: '0040A30A DS',
  PerformedProcedureCodeSequence: '0040A372 SQ',
  CurrentRequestedProcedureEvidenceSequence: '0040A375 SQ',
  CompletionFlag: '0040A491 CS',
  VerificationFlag: '0040A493 CS',
  ContentTemplateSequence: '0040A504 SQ',
  ContentSequence: '0040A730 SQ',
  TemplateIdentifier: '0040DB00 CS',
  SegmentationType: '00620001 CS',
  SegmentSequence: '00620002 SQ',
  SegmentedPropertyCategoryCodeSequence: '00620003 SQ',
  SegmentNumber: '00620004 US',
  SegmentLabel: '00620005 LO',
  SegmentDescription: '00620006 ST',
  SegmentationAlgorithmIdentificationSequence: '00620007 SQ',
  SegmentAlgorithmType: '00620008 CS',
  SegmentAlgorithmName: '00620009 LO',
  SegmentIdentificationSequence: '0062000A SQ',
  ReferencedSegmentNumber: '0062000B US',
  RecommendedDisplayCIELabValue: '0062000D US',
  SegmentedPropertyTypeCodeSequence: '0062000F SQ',
  SegmentedPropertyTypeModifierCodeSequence: '00620011 SQ',
  SegmentsOverlap: '00620013 CS',
  AlgorithmFamilyCodeSequence: '0066002F SQ',
  AlgorithmVersion: '00660031 LO',
  AlgorithmParameters: '00660032 LT',
  AlgorithmName: '00660036 LO',
  AnatomicRegionSequence: '00082218 SQ',
  AnatomicRegionModifierSequence: '00082220 SQ',
  ContentLabel: '00700080 CS',
  ContentDescription: '00700081 LO',
  ContentCreatorName: '00700084 PN',
  StructureSetLabel: '30060002 SH',
  StructureSetDescription: '30060006 ST',
  StructureSetDate: '30060008 DA',
  StructureSetTime: '30060009 TM',
  ReferencedFrameOfReferenceSequence: '30060010 SQ',
  RTReferencedStudySequence: '30060012 SQ',
  RTReferencedSeriesSequence: '30060014 SQ',
  ContourImageSequence: '30060016 SQ',
  StructureSetROISequence: '30060020 SQ',
  ROINumber: '30060022 IS',
  ReferencedFrameOfReferenceUID: '30060024 UI',
  ROIName: '30060026 LO',
  ROIDisplayColor: '3006002A IS',
  ROIGenerationAlgorithm: '30060036 CS',
  ROIGenerationDescription: '30060038 LO',
  ROIContourSequence: '30060039 SQ',
  ContourSequence: '30060040 SQ',
  ContourGeometricType: '30060042 CS',
  NumberOfContourPoints: '30060046 IS',
  ContourData: '30060050 DS',
  RTROIObservationsSequence: '30060080 SQ',
  ObservationNumber: '30060082 IS',
  ReferencedROINumber: '30060084 IS',
  RTROIIdentificationCodeSequence: '30060086 SQ',
  RTROIInterpretedType: '300600A4 CS',
  ROIInterpreter: '300600A6 PN',
  ApprovalStatus: '300E0002 CS',
  SharedFunctionalGroupsSequence: '52009229 SQ',
  PerFrameFunctionalGroupsSequence: '52009230 SQ',
  PixelData: '7FE00010 OB',
} as const;

export type AttributeName = keyof typeof dictionary;

export interface Attribute {
  tag: number;
  vr: Vr;
}

export const attributes = Object.fromEntries(
  Object.entries(dictionary).map(([name, entry]) => {
    const [tag, vr] = entry.split(' ');
    return [name, { tag: Number.parseInt(tag, 16), vr: vr as Vr }];
  }),
) as Record<AttributeName, Attribute>;
