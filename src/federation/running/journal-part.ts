/** What pages of a coordinator and of a site have in common: the journal, and when something has changed. */
import { statSync } from 'node:fs';
import { isActEntry, type Line, readAudit } from '../../audit/index.js';
import { bytes, type PageData } from '../../report/index.js';
import { journalFile } from '../journals.js';

/** Lines of the journal that a page has, the last ones. */
const most = 5000;

/** Another text when one of the files is another. */
export const markOf = (files: readonly string[]): string =>
  files
    .map((file) => {
      const state = statSync(file, { throwIfNoEntry: false });
      return state ? `${state.size} ${state.mtimeMs}` : '';
    })
    .join('\n');

/** @param folder of the party */
export function journalPart(folder: string): NonNullable<PageData['journal']> {
  const { lines, head, torn, broken } = readAudit(journalFile(folder));
  const problem = broken
    ? `Line ${broken.line} ${broken.problem}; nothing from there on is shown.`
    : torn > 0
      ? `Line ${lines.length + 1} is cut short, as a crash leaves it.`
      : undefined;
  return { lines: lines.slice(-most).map(({ entry }) => lineOf(entry)), head, ...(problem && { problem }) };
}

function lineOf(entry: Line): NonNullable<PageData['journal']>['lines'][number] {
  const { at } = entry;
  if (!isActEntry(entry)) return { at, act: entry.command, subject: '', told: entry.outcome };
  const { act, subject = '', round, bytes: count, reason, hashes = {} } = entry;
  const told = [
    ...(round === undefined ? [] : [`round ${round}`]),
    ...(count === undefined ? [] : [bytes(count)]),
    ...(reason === undefined ? [] : [reason]),
    ...Object.entries(hashes).map(([what, hash]) => `${what} ${hash.slice(0, 8)}`),
  ].join(', ');
  return { at, act, subject, told };
}
