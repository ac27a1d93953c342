/** The journals of a study: what its coordinator and each site did, in signed lines that are chained, beside their keys. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Act, Journal, journalName } from '../audit/index.js';
import type { PartyKeys } from './keys.js';
import type { Study } from './study.js';

export const journalFile = (folder: string): string => join(folder, journalName);

/** @param folder of the party @param by `coordinator`, or the site's name @throws GraftError JOURNAL_OTHER_KEY, JOURNAL_OTHER_NAME, JOURNAL_DAMAGED */
export const journalOf = (folder: string, by: string, { signing }: Pick<PartyKeys, 'signing'>): Journal =>
  new Journal({ file: journalFile(folder), by, key: signing });

/**
 * Does work between the acts `started` and `stopped`. Why it failed counts more than that this cannot be noted either, where
 * the disk is full.
 *
 * @param reasonOf what is noted of an error
 * @throws GraftError WRITE_FAILED, and whatever the work throws
 */
export async function noted<Result>(
  journal: Journal,
  { subject, hashes }: Pick<Act, 'subject' | 'hashes'>,
  work: () => Promise<Result>,
  reasonOf: (error: Error) => string,
): Promise<Result> {
  journal.note({ act: 'started', subject, hashes });
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    try {
      journal.note({ act: 'stopped', subject, reason: reasonOf(error as Error) });
    } catch {
      // the first error is the one to show
    }
    throw error;
  }
  journal.note({ act: 'stopped', subject });
  return result;
}

/** The study's identity: of all that was agreed to. */
export const digestOf = (study: Study): string => createHash('sha256').update(JSON.stringify(study)).digest('hex');
