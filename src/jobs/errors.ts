/** What can be wrong with what is trained on, segmented and scored. */
import { errorsOf } from '../core/index.js';

export const jobErrors = {
  INIT_UNSUITED: {
    exit: 'usage',
    message: 'The model to start from has another architecture than is asked for; {changed}.',
    hint: 'Leave these settings and the recipe out: with --init they are the model’s. Classes must be as many as it has.',
  },
  MASKS_MISSING: {
    exit: 'data',
    message: '{folder}: holds no masks (.nii or .nii.gz).',
    hint: 'Give the folder that "graft predict --out" wrote.',
  },
  MASK_WITHOUT_LABEL: {
    exit: 'data',
    message: '{mask}: has no label of the same name in {folder}.',
    hint: 'Masks and labels are paired by their file names; rename one or the other.',
  },
  LABELS_WITHOUT_MASK: {
    exit: 'data',
    message: '{folder}: {count} of {total} labels have no mask here: {names}.',
    hint: 'Segment them, or say what they are: --missing zero counts each as a mask of nothing, --missing skip leaves them out and names them.',
  },
  IMAGES_NONE: {
    exit: 'data',
    message: '{folder}: holds no image: neither NIfTI files nor DICOM series; found {found}.',
    hint: 'Name the folder that holds the files themselves, a site of a data set (with a folder images), or what an archive exported.',
  },
  SAME_NAME: {
    exit: 'usage',
    message: '{second}: is named like {first}; both masks would be written to {mask}.',
    hint: 'Segment them by two commands with different --out folders.',
  },
  MASKS_EXIST: {
    exit: 'usage',
    message: 'Masks that are there already: {count}, the first is {file}.',
    hint: 'Add --skip-existing to make only those that are missing, --overwrite to make all anew, or name another folder with --out.',
  },
  OUT_NOT_FOLDER: {
    exit: 'usage',
    message: '{out}: expected a folder for the masks, found a file.',
    hint: 'Name a folder with --out: a new one, or one that is there. Each mask in it has the name of its image.',
  },
  MASK_OVER_IMAGE: {
    exit: 'usage',
    message: '{mask}: is an image that is to be segmented; its mask would take its place.',
    hint: 'Name another folder with --out.',
  },
  BIDS_NAME: {
    exit: 'usage',
    message: '{name}: expected an image that is named as in BIDS, such as sub-01_ses-2_T1w.',
    hint: 'Name the images so, or write the masks in another format.',
  },
  DESCRIPTION_OTHER: {
    exit: 'usage',
    message: '{file}: is there already, and describes other masks.',
    hint: 'Name another folder with --out for masks of another model, or of another version of graft.',
  },
  VOLUMES_FOREIGN: {
    exit: 'usage',
    message: '{file}: exists already and was not written by "graft predict".',
    hint: 'Name another folder with --out, or move the file.',
  },
  ROUTING_UNSUITED: {
    exit: 'usage',
    message: 'No adapter can be chosen for a scan: the encoder of this {family} has no batch normalisation.',
    hint: 'Name the adapter that is to be used with --adapter.',
  },
  ADAPTERS_NONE: {
    exit: 'usage',
    message: '{folder}: expected adapters to choose from, found {found}.',
    hint: 'Name the folder that holds the files that "graft adapt" wrote (.safetensors), at any depth.',
  },
  ADAPTERS_ALIKE: {
    exit: 'usage',
    message: '{second}: adapts to {target}, as {first} does; a scan from there could be for either.',
    hint: 'Leave one adapter for each target in the folder.',
  },
  ADAPTER_UNTOLD: {
    exit: 'model',
    message: '{file}: does not say what images it is for, so it cannot be chosen for a scan.',
    hint: 'It was made by an earlier version and has no statistics of its target: adapt anew, or take it out of the folder.',
  },
  TRAINING_UNLABELLED: {
    exit: 'data',
    message: 'Training needs labels; {count} of {total} cases have none, the first is {file}.',
    hint: 'Put the labels into ROOT/SITE/labels under the names of the images.',
  },
} as const;
export const jobError = errorsOf(jobErrors);
