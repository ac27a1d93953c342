/** What can be wrong with recipes and run folders. */
import { errorsOf } from '../core/index.js';

export const runErrors = {
  RECIPE_NOT_FOUND: {
    exit: 'usage',
    message: '{file}: is neither a file nor a recipe that comes with graft; did you mean {nearest}?',
    hint: 'Name a YAML file, or one of graft’s own: {names} ("graft run --list" says what each does).',
  },
  RECIPE_UNREADABLE: {
    exit: 'usage',
    message: '{file}: is not a recipe that can be read ({reason}).',
    hint: 'A recipe is YAML; the recipes folder holds examples.',
  },
  RECIPE_UNKNOWN_KEY: {
    exit: 'usage',
    message: '{file}: the key {key} is unknown; did you mean {nearest}?',
    hint: 'The keys known there are {keys}.',
  },
  RECIPE_INVALID: {
    exit: 'usage',
    message: '{file}: {key}: {problem}.',
    hint: 'Correct the value; docs/recipes.md lists every key.',
  },
  RECIPE_OTHER_NETWORK: {
    exit: 'usage',
    message: '{file}: is a recipe for {trains}, but {asked} was asked for.',
    hint: 'Give a recipe with a source and targets for a U-Net, one with sites and plans for Segment Anything (--model sam-…).',
  },
  INIT_UNSUITED: {
    exit: 'usage',
    message: 'The model to start from has another architecture than is asked for; {changed}.',
    hint: 'Leave these settings and the recipe out: with --init they are the model’s. Classes must be as many as it has.',
  },
  SETTING_ELSEWHERE: {
    exit: 'usage',
    message: '{key}: is no setting of {command}.',
    hint: '{hint}',
  },
  RECIPE_NO_DATA: {
    exit: 'usage',
    message: '{file}: names no data set.',
    hint: 'Give the folder with --data FOLDER (ROOT/SITE/{layout}/CASE.nii.gz), or name data.root or data.phantom.',
  },
  RUN_EXISTS: {
    exit: 'usage',
    message: '{folder}: holds a run already.',
    hint: 'Add --resume to go on with it, or name another folder with --out.',
  },
  RUN_IN_USE: {
    exit: 'usage',
    message: '{folder}: another graft (process {pid} on {host}) is at work in this folder.',
    hint: 'Wait for it, or choose another folder with --out. If no such process runs on {host} any more, delete {file} and resume.',
  },
  RUN_CHANGED: {
    exit: 'usage',
    message: '{folder}: was started with another recipe; changed: {changed}.',
    hint: '{hint}',
  },
  RUN_DAMAGED: {
    exit: 'data',
    message: '{file}: is damaged or not one of graft’s ({reason}).',
    hint: 'Run the recipe again with --resume and the same --out: what is damaged is made again, the rest stays.',
  },
  RECIPE_LOST: {
    exit: 'usage',
    message: '{file}: is missing or damaged, and the recipe given now is not the one that the run was started with.',
    hint: 'Resume with the recipe, the --set and the --data of the first start; or start into another folder with --out.',
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
  MASK_OVER_IMAGE: {
    exit: 'usage',
    message: '{mask}: is an image that is to be segmented; its mask would take its place.',
    hint: 'Name another folder with --out.',
  },
  VOLUMES_FOREIGN: {
    exit: 'usage',
    message: '{file}: is there already, and is no table that "graft predict" wrote.',
    hint: 'Name another folder with --out, or move the file.',
  },
  TRAINING_UNLABELLED: {
    exit: 'data',
    message: 'Training needs labels; {count} of {total} cases have none, the first is {file}.',
    hint: 'Put the labels into ROOT/SITE/labels under the names of the images.',
  },
  SITE_UNLABELLED: {
    exit: 'data',
    message: '{root}: the site {site} has no label for {name}, which {purpose} needs.',
    hint: 'Add the labels (in the plain layout they lie in SITE/labels under the names of the images), or leave the site out.',
  },
} as const;
export const runError = errorsOf(runErrors);
