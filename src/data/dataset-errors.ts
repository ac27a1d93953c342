/** What can be wrong with a data set, its split, and the preparation of its volumes. */
export const datasetErrors = {
  DATASET_NOT_FOUND: {
    exit: 'data',
    message: '{root}: there is no such folder.',
    hint: 'Give the folder that holds one folder a site: ROOT/SITE/images/CASE.nii.gz and ROOT/SITE/labels/CASE.nii.gz.',
  },
  DATASET_NO_SITES: {
    exit: 'data',
    message: '{root}: expected ROOT/SITE/images/CASE.nii.gz, found {found}.',
    hint: 'Give the folder above the sites; each site needs a folder `images`, and a folder `labels` where it has labels.',
  },
  DATASET_EMPTY_SITE: {
    exit: 'data',
    message: '{folder}: expected volumes named CASE.nii.gz or CASE.nii, found {found}.',
    hint: 'Put the volumes of the site there, or remove the folder of the site.',
  },
  DATASET_LABEL_WITHOUT_IMAGE: {
    exit: 'data',
    message: '{label}: there is no image of the same name in {images}.',
    hint: 'A label belongs to the image with the same file name. Rename it, add the image or remove the label.',
  },
  DATASET_DUPLICATE_CASE: {
    exit: 'data',
    message: '{folder}: the case {name} is there twice, as {name}.nii and as {name}.nii.gz.',
    hint: 'Keep one of the two files.',
  },
  DATASET_UNKNOWN_SITE: {
    exit: 'usage',
    message: '{root}: there is no site "{name}"; the sites are {sites}.',
    hint: 'Did you mean "{nearest}"?',
  },
  LABEL_OUTSIDE_CLASSES: {
    exit: 'data',
    message: '{file}: {voxels} voxels have the value {value}; expected values from 0 to {highest}.',
    hint: 'Name every class of the label in the recipe or with --classes (the labels 1, 2, …), or correct the label.',
  },
  SPLIT_SHARES: {
    exit: 'usage',
    message: 'The parts of the split are {shares}: expected fractions that add up to 1, or whole numbers of groups.',
    hint: 'Write for example train: 0.7, validation: 0.15, test: 0.15; or train: 10, test: 5.',
  },
  SPLIT_TOO_FEW: {
    exit: 'data',
    message: 'The split {shares} needs at least {needed} groups; there are {groups} in {cases} cases.',
    hint: 'A group is a patient where `groupBy` is given, a case otherwise. Ask for fewer parts, or add cases.',
  },
  SPLIT_PATTERN_INVALID: {
    exit: 'usage',
    message: 'groupBy "{pattern}" is not a regular expression: {reason}.',
    hint: 'The first group in parentheses is the patient: ^(patient\\d+)_ makes patient07 of patient07_visit2.',
  },
  SPLIT_PATTERN_UNMATCHED: {
    exit: 'usage',
    message: 'groupBy "{pattern}" does not match the case "{name}" of the site "{site}".',
    hint: 'Every case needs a patient: widen the expression, or rename the case.',
  },
  VOLUME_CONSTANT: {
    exit: 'data',
    message: '{file}: {measure}, so its intensities cannot be scaled.',
    hint: 'The volume is empty, or nearly so. Leave the case out, or choose another intensity scaling in the preprocessing.',
  },
  SLICES_TOO_LARGE: {
    exit: 'data',
    message:
      '{file}: {axis} slices of {native} pixels would become {resampled} pixels at {spacing} mm; the limit is {limit}.',
    hint: 'Choose a larger in-plane spacing in the preprocessing, or check the voxel size in the header of the file.',
  },
  PHANTOM_OPTIONS: {
    exit: 'usage',
    message: 'The options of the phantoms are not valid: {problems}.',
    hint: 'The scanners are {scanners}.',
  },
} as const;
