/** What can be wrong with a file of tensors: safetensors, or a PyTorch checkpoint. */
import { errorsOf } from '../core/index.js';

export const formatErrors = {
  TENSOR_FILE_UNREADABLE: {
    exit: 'system',
    message: '{file}: could not be read ({reason}).',
    hint: 'Check the path and that you may read the file.',
  },
  TENSOR_FILE_TRUNCATED: {
    exit: 'model',
    message: '{file}: expected at least {expected} bytes, found {found}.',
    hint: 'The file is cut off or still being written: copy or download it again.',
  },
  TENSOR_TOO_LARGE: {
    exit: 'system',
    message: '{file}: a part of {found} bytes does not fit into one piece of memory of this Node.js.',
    hint: 'Use a newer Node.js or a machine with more memory.',
  },
  TENSOR_DTYPE_UNSUPPORTED: {
    exit: 'model',
    message: '{file}: {tensor} has the element type {found}; expected one of {expected}.',
    hint: 'Convert the weights in PyTorch (for example tensor.float()) and save them again.',
  },
  TENSOR_MISSING: {
    exit: 'model',
    message: '{file}: expected a tensor named {tensor}, found {found}.',
    hint: 'Check that the file belongs to this model.',
  },
  TENSOR_INVALID: {
    exit: 'model',
    message: '{file}: {tensor} cannot be written: expected {expected}, found {found}.',
    hint: 'Give each tensor a free name and exactly the bytes that its shape and element type ask for.',
  },
  SAFETENSORS_INVALID: {
    exit: 'model',
    message: '{file}: not a valid safetensors file: expected {expected}, found {found}.',
    hint: 'The file is damaged or was written by a program that breaks the format: fetch it again or write it anew.',
  },
  SAFETENSORS_DAMAGED: {
    exit: 'model',
    message: '{file}: is damaged: its content is not what was written (the SHA-256 differs).',
    hint: 'Fetch or copy the file again, or make it anew: a run with --resume makes its damaged files again. If another program changed it on purpose, let that leave out the metadata graft.sha256.',
  },
  PTH_DAMAGED: {
    exit: 'model',
    message: '{file}: not a valid PyTorch file: expected {expected}, found {found}.',
    hint: 'The file is damaged: fetch it again, or load it in PyTorch and save it anew with torch.save.',
  },
  PTH_UNSUPPORTED: {
    exit: 'model',
    message: '{file}: expected {expected}, found {found}.',
    hint: 'Load it in PyTorch and save its weights with torch.save(model.state_dict(), …).',
  },
  PTH_FORBIDDEN: {
    exit: 'model',
    message:
      '{file}: found the Python object "{found}", which only running code could restore; expected only {expected}.',
    hint: 'graft never runs code from a file. Where you trust it, load it in PyTorch and save torch.save(model.state_dict(), …).',
  },
  PTH_TOO_LARGE: {
    exit: 'model',
    message: '{file}: expected {expected}, found {found}.',
    hint: 'No ordinary checkpoint is like this. If you trust the file, save its weights anew with torch.save(model.state_dict(), …).',
  },
  STATE_DICT_MISSING: {
    exit: 'model',
    message: '{file}: expected a dictionary of tensors, at the top or under {expected}; found {found}.',
    hint: 'Save the weights alone with torch.save(model.state_dict(), …).',
  },
  CHECKPOINT_UNKNOWN: {
    exit: 'model',
    message: '{file}: expected a safetensors file or a PyTorch checkpoint, found {found}.',
    hint: 'Check the path; an interrupted download often leaves a web page or a pointer file in its place.',
  },
} as const;
export const formatError = errorsOf(formatErrors);
