/** A guess, for error messages only, at what a file is that is not NIfTI. */

const signatures: readonly (readonly [name: string, at: number, bytes: string])[] = [
  ['a DICOM file', 128, 'DICM'],
  ['an Analyze 7.5 header or a NIfTI header that is cut short', 0, '\x5c\x01\x00\x00'],
  ['an Analyze 7.5 header or a NIfTI header that is cut short', 0, '\x00\x00\x01\x5c'],
  ['a Git LFS pointer (the data was not fetched)', 0, 'version https://git-lfs'],
  ['gzip data', 0, '\x1f\x8b'],
  ['an NRRD file', 0, 'NRRD'],
  ['a MetaImage file', 0, 'ObjectType'],
  ['a FreeSurfer MGH file', 0, '\x00\x00\x00\x01'],
  ['an HDF5 or MINC file', 0, '\x89HDF'],
  ['a PNG picture', 0, '\x89PNG'],
  ['a JPEG picture', 0, '\xff\xd8\xff'],
  ['a TIFF picture', 0, 'II*\x00'],
  ['a TIFF picture', 0, 'MM\x00*'],
  ['a ZIP archive', 0, 'PK\x03\x04'],
  ['a NumPy array', 0, '\x93NUMPY'],
  ['a tar archive', 257, 'ustar'],
  ['a web page', 0, '<'],
];

/** @param head the first bytes of the file, unpacked if it is compressed. */
export function looksLike(head: Uint8Array): string {
  if (head.length === 0) return 'nothing (it is empty)';
  // Every signature lies in the first 512 bytes.
  const text = Buffer.from(head.subarray(0, 512)).toString('latin1');
  const known = signatures.find(([, at, bytes]) => text.startsWith(bytes, at));
  if (known) return known[0];
  return head.every((byte) => byte === 0) ? 'only zero bytes' : 'data that graft does not know';
}
