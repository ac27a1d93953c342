/** Errors around Segment Anything models and their checkpoints. */
import { errorsOf } from '../../core/index.js';

export const samErrors = {
  SAM_CONFIG: {
    exit: 'usage',
    message: 'No Segment Anything model has {key} {value}: {problem}.',
    hint: 'Image sizes are multiples of 16; the named architectures (sam-vit-b, sam-small, …) fit in everything else.',
  },
  SAM_INPUT_SIZE: {
    exit: 'model',
    message: 'The model takes images [B, 3, {size}, {size}] and was given [{shape}].',
    hint: 'Resize the images, or make the model for another image size.',
  },
  SAM_CHECKPOINT_FOREIGN: {
    exit: 'model',
    message: '{file}: holds no Segment Anything model (no tensor {name} among its {count}, such as {found}).',
    hint: 'Checkpoints of segment-anything and of MedSAM load, and what graft wrote of such models.',
  },
  SAM_CHECKPOINT_DEPTH: {
    exit: 'model',
    message: '{file}: its image encoder has {found} blocks; this model has {expected}.',
    hint: 'The file holds {holds}. Choose the architecture it was made with.',
  },
  SAM_CHECKPOINT_MISSING: {
    exit: 'model',
    message: '{file}: has no tensor {name} ({shape}), which this model needs; {missing} are missing; unknown: {found}.',
    hint: 'The file holds {holds}. Choose the architecture it was made with; attach adapters after loading.',
  },
  SAM_CHECKPOINT_SHAPE: {
    exit: 'model',
    message: '{file}: {name} has shape [{found}]; this model expects [{expected}].',
    hint: 'The file holds {holds}. Choose the architecture it was made with.',
  },
  SAM_SCALING: {
    exit: 'usage',
    message:
      '{file}: is a checkpoint of Segment Anything as it is published, which does not say how its images are scaled.',
    hint: 'Add --scaling sam for one of segment-anything’s own (sam_vit_b, …), --scaling medsam for one of MedSAM.',
  },
  SAM_PUBLISHED: {
    exit: 'model',
    message: '{file}: is no checkpoint of segment-anything or MedSAM as they are published: {name}, found {found}.',
    hint: 'Give such a checkpoint, or a model that graft wrote; a head with classes needs the file that names them.',
  },
  SAM_PROMPT: {
    exit: 'usage',
    message: 'The prompt’s {what} have shape [{shape}]; expected [{expected}].',
    hint: 'Points are [B, N, 2] with labels [B, N], boxes [B, 4], masks [B, 1, H/4, W/4], all with the same B.',
  },
} as const;
export const samError = errorsOf(samErrors);
