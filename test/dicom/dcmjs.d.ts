/** What the tests use of dcmjs, which has no types of its own. */
declare module 'dcmjs' {
  /** Elements by their names in the DICOM dictionary; sequences are lists. */
  type Dataset = Record<string, unknown>;
  interface DicomDict {
    dict: Record<string, unknown>;
    meta: Record<string, unknown>;
    write(options?: { allowInvalidVRLength: boolean }): ArrayBuffer;
  }
  const dcmjs: {
    data: {
      DicomMessage: {
        readFile(
          bytes: ArrayBuffer,
          options?: { untilTag?: string; includeUntilTagValue?: boolean; ignoreErrors?: boolean },
        ): DicomDict;
      };
      DicomMetaDictionary: { naturalizeDataset(dict: Record<string, unknown>): Dataset };
      /** `_meta.TransferSyntaxUID` may name the transfer syntax: `{ Value: [uid] }`. */
      datasetToDict(dataset: Dataset): DicomDict;
    };
    log: { setLevel(level: 'silent'): void };
  };
  export default dcmjs;
}
