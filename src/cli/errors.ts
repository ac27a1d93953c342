/** What can go wrong in the command line itself. */
import { errorsOf } from '../core/index.js';

export const cliErrors = {
  USAGE: { exit: 'usage', message: '{problem}', hint: '{hint}' },
  OPTION_INVALID: {
    exit: 'usage',
    message: '{problems}.',
    hint: 'Run "graft {command} --help" to see what each option takes.',
  },
  OUTPUT_EXISTS: {
    exit: 'usage',
    message: '{file}: is there already.',
    hint: 'Name another file with --out, or remove this one; it is never overwritten unasked.',
  },
  CHECKPOINT_EXISTS: {
    exit: 'usage',
    message: '{file}: an interrupted command left checkpoints beside it.',
    hint: 'Add --resume to go on with them, or name another file with --out to start anew.',
  },
  FOLDER_NOT_EMPTY: {
    exit: 'usage',
    message: '{folder}: expected a new or empty folder, found {found}.',
    hint: 'Name another folder, or add --force to write into this one; files of the same names are then replaced.',
  },
  UNCONFIRMED: {
    exit: 'usage',
    message: '{site} was not admitted: nobody confirmed that its six words are "{words}".',
    hint: 'Compare the words with the hospital by telephone, and type yes; without a terminal, give them with --words.',
  },
  REFUSED: {
    exit: 'system',
    message: 'The system refused: {reason}.',
    hint: 'Check the permissions, the free space, the address, or whether another program holds what is named.',
  },
  MEMORY_SHORT: {
    exit: 'system',
    message: 'The memory is too small: {reason}.',
    hint: 'Let other programs give theirs back, take less at once (a smaller batch, a coarser spacing), or another --device.',
  },
  PATH_UNUSABLE: {
    exit: 'usage',
    message: '{path}: cannot be used as a path here: {reason}.',
    hint: 'Correct the path: the command’s --help says where a file is expected and where a folder.',
  },
  INTERRUPTED: {
    exit: 'interrupted',
    message: 'Interrupted before the end.',
    hint: '{how}: {command}',
  },
  INTERNAL: {
    exit: 'internal',
    message: 'internal error: {reason}',
    hint: 'This is a defect in graft. Please report it with what stderr shows and the output of "graft doctor".',
  },
} as const;
export const cliError = errorsOf(cliErrors);
