/** Mistakes in images and labels: what graft says about a volume it cannot or will not use. */
import { errorsOf } from '../core/index.js';

export const dataErrors = {
  // NIfTI files
  VOLUME_UNREADABLE: {
    exit: 'data',
    message: '{file}: could not be read ({reason}).',
    hint: 'Check the path and that you may read the file.',
  },
  NIFTI_EXPECTED: {
    exit: 'data',
    message: '{file}: expected a NIfTI volume (.nii or .nii.gz), found {found}.',
    hint: 'Give a NIfTI-1 or NIfTI-2 file. DICOM series are converted with "graft data convert"; other formats with the program that wrote them.',
  },
  NIFTI_PAIR: {
    exit: 'data',
    message: '{file}: expected a single NIfTI file, found half of a .hdr/.img pair.',
    hint: 'Join the pair into one .nii.gz file, for example with FSL: fslchfiletype NIFTI_GZ IMAGE.',
  },
  NIFTI_TYPE: {
    exit: 'data',
    message: '{file}: expected integer or floating-point voxels, found the type {found}.',
    hint: 'Convert the volume to one grey value a voxel, for example float32.',
  },
  NIFTI_DIMENSIONS: {
    exit: 'data',
    message: '{file}: expected one 3-D volume or one slice, found the dimensions {found}.',
    hint: 'Split a series into 3-D volumes and give one of them.',
  },
  NIFTI_HEADER: {
    exit: 'data',
    message: '{file}: impossible header: expected {expected}, found {found}.',
    hint: 'The file is damaged or was written wrongly. Fetch it again from its source or repair the header there.',
  },
  NIFTI_TOO_LARGE: {
    exit: 'data',
    message:
      '{file}: expected at most {limit} bytes of voxels, found a header that announces {dims} voxels ({bytes} bytes).',
    hint: 'Crop or downsample the volume. If it should not be that large, the header is damaged.',
  },
  NIFTI_HOLLOW: {
    exit: 'data',
    message:
      '{file}: expected an image, found {size} packed bytes that announce {dims} voxels; an image of that size has {least} bytes or more.',
    hint: 'Nearly every voxel would have the same value. Fetch the file again from its source; a label is given as a label.',
  },
  NIFTI_TRUNCATED: {
    exit: 'data',
    message: '{file}: expected {expected} bytes as the header announces, found {found}: the file is cut short.',
    hint: 'Copy or download the file again.',
  },
  NIFTI_TOO_LONG: {
    exit: 'data',
    message: '{file}: expected {expected} bytes as the header announces, found more than {spare} bytes after them.',
    hint: 'The header does not belong to this data. Fetch the file again from its source.',
  },
  NIFTI_GZIP: {
    exit: 'data',
    message: '{file}: expected intact gzip data, found it damaged ({reason}).',
    hint: 'Copy or download the file again.',
  },

  // Voxels and grids
  VOLUME_NOT_FINITE: {
    exit: 'data',
    message:
      '{file}: expected finite voxels, found {count} that are NaN, infinite or beyond float32; the first lies at voxel ({voxel}) of the file (x, y, z, from 0).',
    hint: 'Find out where they come from, then replace them (for example by 0) and save the volume again.',
  },
  LABEL_VALUE: {
    exit: 'data',
    message:
      '{file}: expected labels that are whole numbers from 0 to 255, found {value} at voxel ({voxel}) of the file (x, y, z, from 0).',
    hint: 'Check that this is a label and not an image; a resampled label needs nearest-neighbour interpolation.',
  },
  VOLUME_SHAPE: {
    exit: 'data',
    message: '{file}: expected {expected} to be written, found {found}.',
    hint: 'Give as many voxels as the grid has, in the order [z, y, x].',
  },
  GRID_MISMATCH: {
    exit: 'data',
    message: '{second}: expected the grid of {first} ({firstGrid}), found {secondGrid}.',
    hint: 'Resample one onto the grid of the other; a label with nearest-neighbour interpolation.',
  },
} as const;

export const dataError = errorsOf(dataErrors);
