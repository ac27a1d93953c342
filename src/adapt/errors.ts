/** What can be wrong with models, adapters and their pairing. */
import { errorsOf } from '../core/index.js';

export const adaptErrors = {
  MODEL_UNKNOWN: {
    exit: 'model',
    message: '{file}: is not a model that graft can use ({reason}).',
    hint: 'Give a model that "graft train" wrote, or a checkpoint of the reference U-Net (.pth or .safetensors).',
  },
  ADAPTER_UNKNOWN: {
    exit: 'model',
    message: '{file}: is not an adapter that graft wrote ({reason}).',
    hint: 'Give a file from the adapters folder of a run.',
  },
  ADAPTER_OTHER_BASE: {
    exit: 'model',
    message: '{file}: was made for the base model {expected}, but the model here is {found}.',
    hint: 'Load the model that the adapter was trained beside (its fingerprint is in the adapter and in run.json).',
  },
  ADAPTER_NONE: {
    exit: 'usage',
    message: 'There is no adapter to merge: none is in use, or it was merged already.',
    hint: 'Put an adapter to use first; to merge again, load the base model anew.',
  },
  HEAD_MISSING: {
    exit: 'model',
    message: 'The method {method} needs an early head at {block} or deeper; the model has {heads}.',
    hint: 'Train the model with "graft train", which trains the heads too; checkpoints of the reference code come without.',
  },
  BLOCKS_UNREACHED: {
    exit: 'usage',
    message: 'The loss of {method} does not reach {blocks}: fixed pseudo-labels let it flow through the encoder alone.',
    hint: 'Name encoder blocks ({encoder}), or set detach to false.',
  },
  TRAINING_DIVERGED: {
    exit: 'data',
    message: 'The training loss of {task} became {loss} in epoch {epoch}.',
    hint: 'Lower the learning rate (lr), and check the intensities of the images with other preprocessing.',
  },
  CHECKPOINT_OTHER_RUN: {
    exit: 'usage',
    message: '{file}: was written under another configuration; changed: {changed}.',
    hint: 'Resume with the configuration of the first start, or start into a new folder.',
  },
} as const;
export const adaptError = errorsOf(adaptErrors);
