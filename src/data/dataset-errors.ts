/** What can be wrong with the cases of a data set, their split, and the preparation of their volumes. */
export const datasetErrors = {
  DATASET_UNKNOWN_SITE: {
    exit: 'usage',
    message: '{root}: there is no site "{name}"; the sites are {sites}.',
    hint: 'Name one of them{suggestion}',
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
    hint: 'A group is a patient where the data set or `groupBy` tells patients, a case otherwise. Ask for fewer parts, or add cases.',
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
  SPLIT_PARTLY: {
    exit: 'data',
    message:
      'The data set names a part (train, validation, test) for some cases, but none for "{name}" of the site "{site}".',
    hint: 'Name a part for every case of the site, or for none.',
  },
  SPLIT_NO_TEST: {
    exit: 'data',
    message: 'The data set divides the cases of the site "{site}" itself and names none for testing.',
    hint: 'Name test cases in the data set, or take the parts out of it, so that they are drawn.',
  },
  VOLUME_CONSTANT: {
    exit: 'data',
    message: '{file}: {measure}, so its intensities cannot be scaled.',
    hint: 'The volume is empty, or nearly so. Leave the case out, or choose another intensity scaling in the preprocessing.',
  },
  SLICES_TOO_LARGE: {
    exit: 'data',
    message: '{file}: {axis} slices of {native} pixels would {made}; the limit is {limit}.',
    hint: 'Choose a larger in-plane spacing or a smaller size in the preprocessing, or check the voxel size in the header of the file.',
  },
  SLICES_OUTSIDE: {
    exit: 'data',
    message: '{file}: expected the {axis} slices {first} to {last}, found a volume of {count}.',
    hint: 'Correct `slices` in the preprocessing, or leave the case out.',
  },
  PLANE_OPEN: {
    exit: 'usage',
    message: '{file}: slices of all planes were asked for where one plane is needed.',
    hint: 'Set `axis` to axial, coronal or sagittal, or use `loadSlices`, which prepares each plane in turn.',
  },
  PHANTOM_OPTIONS: {
    exit: 'usage',
    message: 'The options of the phantoms are not valid: {problems}.',
    hint: 'The scanners are {scanners}.',
  },
} as const;
