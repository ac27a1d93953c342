/** What can be wrong with the cases, files and prompts that fine-tuning is given. */
import { errorsOf } from '../core/index.js';

export const finetuneErrors = {
  TRAINING_EMPTY: {
    exit: 'data',
    message: '{name}: there is no case to train on.',
    hint: 'Check the data set and its split: every site needs at least one labelled case in its training part.',
  },
  CASE_UNLABELLED: {
    exit: 'data',
    message: '{image}: has no label, so it cannot be trained on.',
    hint: 'Add the label, or leave the case out.',
  },
  SAM_FILE_UNKNOWN: {
    exit: 'model',
    message: '{file}: is not a Segment Anything model that graft wrote ({reason}).',
    hint: 'Give a model that graft wrote; a checkpoint of segment-anything or MedSAM is a foundation, from which a model is made.',
  },
  SAM_ADAPTER_UNKNOWN: {
    exit: 'model',
    message: '{file}: is not an adapter of Segment Anything that graft wrote ({reason}).',
    hint: 'Give an adapter that "graft federate" or "graft train" wrote for a model of Segment Anything.',
  },
  SAM_SLICE_SIZE: {
    exit: 'usage',
    message: 'The preprocessing makes slices of {found} pixels, but the model takes images of {expected}.',
    hint: 'Give the preprocessing the size of the model’s images, or none: it then follows the model.',
  },
  SAM_CLASSES: {
    exit: 'usage',
    message: 'The model predicts {masks} classes beside the background, but {count} are named: {names}.',
    hint: 'Name as many classes as the model has.',
  },
  SAM_SCALING: {
    exit: 'usage',
    message:
      '{file}: is a checkpoint of Segment Anything as it is published, which does not say how its images are scaled.',
    hint: 'Add --scaling sam for one of segment-anything’s own (sam_vit_b, …), --scaling medsam for one of MedSAM.',
  },
  SAM_SCALED: {
    exit: 'usage',
    message: '{file}: says itself how its images are prepared, so --scaling cannot be given.',
    hint: 'Leave --scaling out; it is for checkpoints of segment-anything and MedSAM as they are published.',
  },
  PROMPT_EMPTY: {
    exit: 'usage',
    message: 'The prompt has neither a point nor a box.',
    hint: 'Give at least one point or a box.',
  },
  PROMPT_OUTSIDE: {
    exit: 'usage',
    message: '{file}: the prompt’s {what} ({place}), in {space}, lies outside the volume.',
    hint: 'Voxels are (x, y, z) of the file, from 0; places in mm are (x, y, z) of its world. Check which of them you gave.',
  },
  PROMPT_SLICES: {
    exit: 'usage',
    message: '{file}: the prompt’s places lie on {count} {axis} slices ({slices}); one prompt is about one slice.',
    hint: 'Ask for one slice at a time.',
  },
} as const;
export const finetuneError = errorsOf(finetuneErrors);
