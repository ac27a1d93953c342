/** What can be wrong with models, adapters and their pairing. */
import { errorsOf } from '../core/index.js';

export const adaptErrors = {
  MODEL_UNKNOWN: {
    exit: 'model',
    message: '{file}: is not a model that graft can use ({reason}).',
    hint: 'Give a model that "graft train" wrote, or a checkpoint of the reference U-Net (.pth or .safetensors).',
  },
  UNET_NAMES: {
    exit: 'model',
    message: '{file}: holds no U-Net that graft knows: expected names such as {expected}; found {found}.',
    hint: 'Give a model that "graft train" wrote, or a checkpoint of the reference U-Net (.pth or .safetensors).',
  },
  ADAPTER_UNKNOWN: {
    exit: 'model',
    message: '{file}: is not an adapter that graft wrote ({reason}).',
    hint: 'Give a file from the adapters folder of a run.',
  },
  CLASS_NAMES: {
    exit: 'model',
    message: 'The network predicts {channels} classes beside the background, but {count} are named: {names}.',
    hint: 'Name as many classes as the network has.',
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
} as const;
export const adaptError = errorsOf(adaptErrors);
