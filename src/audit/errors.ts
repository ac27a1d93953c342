/** What can be wrong with an audit file. */
import { errorsOf } from '../core/index.js';

export const auditErrors = {
  AUDIT_MISSING: {
    exit: 'usage',
    message: '{path}: holds no journal ({journal}) and no audit file ({name}).',
    hint: 'Name the file, the folder of a coordinator or a site, or the folder that a command wrote its results into.',
  },
  AUDIT_BROKEN: {
    exit: 'data',
    message: '{file}: line {line} {problem}.',
    hint: 'What comes before that line is as it was written. Compare with a copy, or with a head that was noted elsewhere.',
  },
  AUDIT_ANCHOR: {
    exit: 'data',
    message: '{file}: no line has the hash {anchor}; the chain of {count} ends with {head}.',
    hint: 'The anchor is of another file, or lines at the end were removed or replaced. Compare with a copy.',
  },
  AUDIT_WITNESS: {
    exit: 'data',
    message:
      '{file}: no line has the hash {hash}, of which {witness} was told (line {line}); the chain of {count} ends with {head}.',
    hint: 'Lines at the end were removed or replaced after they had been told. Compare with a copy.',
  },
  AUDIT_UNWITNESSED: {
    exit: 'data',
    message: '{file}: {witness} was told nothing of a journal of {by}, and so shows nothing of this one.',
    hint: 'Give the journal of a party that has exchanged messages with this one. If that is what you gave, this file was replaced by one under another name: compare with a copy.',
  },
  JOURNAL_OTHER_NAME: {
    exit: 'usage',
    message: '{file}: is the journal of {found}, and cannot be gone on with as that of {by}.',
    hint: 'Others bear witness to a journal by its party’s name: take another folder for another name, or move this file away and keep it.',
  },
  JOURNAL_OTHER_KEY: {
    exit: 'usage',
    message: '{file}: is not a journal that the key of {by} has signed.',
    hint: 'Restore the key or the journal from a copy. To begin a new journal, move this file away and keep it.',
  },
  JOURNAL_DAMAGED: {
    exit: 'data',
    message: '{file}: the journal is damaged: line {line} {problem}.',
    hint: 'Restore it from a copy ("graft audit verify" says whether that one is whole). Without one, move this file away and keep it: a new journal is begun, and lines of both can still be verified.',
  },
  AUDIT_IN_USE: {
    exit: 'system',
    message: '{file}: another graft (process {pid} on {host}) has been writing to it for {seconds} seconds.',
    hint: 'Wait for it. If no such process runs there, delete {lock}.',
  },
} as const;
export const auditError = errorsOf(auditErrors);
