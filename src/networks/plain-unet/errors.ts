/** What can be wrong with what nnU-Net wrote. */
import { errorsOf } from '../../core/index.js';

export const plainUNetErrors = {
  NNUNET_ALONE: {
    exit: 'model',
    message:
      '{file}: is a checkpoint of nnU-Net, but {missing} is not in {folder}, and it does not describe its network.',
    hint: 'Keep the folder as nnU-Net v2 wrote it: plans.json and dataset.json beside the folders fold_0, fold_1, ….',
  },
  NNUNET_WITHOUT_CHECKPOINT: {
    exit: 'model',
    message:
      '{folder}: has the plans of nnU-Net, but no checkpoint (expected fold_0/checkpoint_final.pth or the like).',
    hint: 'Give the folder that nnU-Net v2 trained into, such as nnUNetTrainer__nnUNetPlans__2d, with a finished fold.',
  },
  NNUNET_FILE: {
    exit: 'model',
    message: '{file}: is not as nnU-Net v2 writes it ({reason}).',
    hint: 'Give the folder as nnU-Net v2 wrote it; what version 1 wrote is not read.',
  },
  NNUNET_UNSUPPORTED: {
    exit: 'model',
    message: '{file}: {what} is {found}; expected {expected}.',
    hint: '{way}',
  },
} as const;
export const plainUNetError = errorsOf(plainUNetErrors);
