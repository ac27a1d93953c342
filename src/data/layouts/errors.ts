/** What can be wrong with the way in which a data set lies on the disk. */
import { errorsOf } from '../../core/index.js';

export const layoutErrors = {
  DATASET_NOT_FOUND: {
    exit: 'data',
    message: '{root}: there is no such folder or table.',
    hint: 'Give the folder of the data set, such as the one that holds ROOT/SITE/images/CASE.nii.gz, or a .csv file.',
  },
  DATASET_NO_SITES: {
    exit: 'data',
    message: '{root}: expected ROOT/SITE/images/CASE.nii.gz, found {found}.',
    hint: 'Only NIfTI is read (.nii, .nii.gz), and DICOM by "graft data convert". Give the folder above the sites, each with a folder `images` and, where there are labels, `labels`. Also read are the Medical Segmentation Decathlon, nnU-Net raw, BIDS and a CSV table: docs/datasets.md shows them.',
  },
  DATASET_EMPTY_SITE: {
    exit: 'data',
    message: '{folder}: expected volumes named CASE.nii.gz or CASE.nii, found {found}.',
    hint: 'Put the volumes there; where they belong to a site, remove the site’s folder instead.',
  },
  DATASET_NOT_NIFTI: {
    exit: 'data',
    message: '{place}: expected NIfTI volumes (.nii or .nii.gz), found {found}.',
    hint: 'Only NIfTI is read here. Convert the images with the program that wrote them or with SimpleITK; DICOM series with "graft data convert".',
  },
  DATASET_LABEL_WITHOUT_IMAGE: {
    exit: 'data',
    message: '{label}: there is no image for it in {images}.',
    hint: 'A label belongs to the image with the same name. Rename it, add the image or remove the label.',
  },
  DATASET_IMAGE_WITHOUT_LABEL: {
    exit: 'data',
    message: '{image}: there is no label for it; expected {label}.',
    hint: 'Every training image of this layout has a label. Add it, or take the image away.',
  },
  DATASET_DUPLICATE_CASE: {
    exit: 'data',
    message: '{second}: the case {name} is there already, as {first}.',
    hint: 'Keep one of the two, or give them different names.',
  },
  DATASET_SAME_IMAGE: {
    exit: 'data',
    message: '{second}: has the voxels of {first}.',
    hint: 'The same scan under two names ends up in training and in testing. Keep one, or give both the same patient.',
  },
  DATASET_PATIENT_DIVIDED: {
    exit: 'data',
    message: 'The patient {patient} is in the parts {first} and {second}: {firstImage} and {secondImage}.',
    hint: 'All scans of a patient belong in one part; otherwise the scores are of a patient seen in training.',
  },
  DATASET_NAME: {
    exit: 'data',
    message: '"{name}" ({image}) cannot name a {what}: {reason}.',
    hint: 'Names become files and folders, on any system: up to 128 bytes of letters, digits, spaces and signs, but none of < > : " / \\ | ? * and no dot or dash at the start.',
  },
  DATASET_FILE_MISSING: {
    exit: 'data',
    message: '{list}: names {file}, which is not there.',
    hint: 'Copy the file to where it is named, or correct or remove the entry.',
  },
  DATASET_LIST: {
    exit: 'data',
    message: '{file}: {problem}.',
    hint: 'docs/datasets.md shows what this layout needs.',
  },
  DATASET_CHANNELS: {
    exit: 'data',
    message: '{image}: the case has a second channel; expected one, named …_0000.',
    hint: 'graft segments one image a case. Make a data set with the channel that shows what you look for as _0000.',
  },
  DATASET_SEVERAL_MASKS: {
    exit: 'data',
    message: '{image}: expected one mask below derivatives, found {found}.',
    hint: 'Say which are the labels: data.masks in a recipe, or --masks of "graft data check" and "graft data inspect", is a regular expression on the paths below derivatives.',
  },
  DATASET_MASK_PATTERN: {
    exit: 'usage',
    message: 'masks "{pattern}" is not a regular expression: {reason}.',
    hint: 'An example: data.masks: lesion_mask, which takes derivatives/manual/sub-01/anat/sub-01_desc-lesion_mask.nii.gz.',
  },
  LABEL_EMPTY: {
    exit: 'data',
    message: '{file}: every voxel is background.',
    hint: 'If there is nothing to see in the image this is right, and Dice is 1 only for an empty mask; otherwise the label was lost on the way.',
  },
  CSV_INVALID: {
    exit: 'data',
    message: '{file}: {problem}.',
    hint: 'The first line names the columns: site,case,image,label and, where wanted, patient and split; docs/datasets.md has an example.',
  },
} as const;
export const layoutError = errorsOf(layoutErrors);
