/** The journals of a study: what its coordinator and each site did, in signed lines that are chained, beside their keys. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Journal, journalName } from '../audit/index.js';
import type { PartyKeys } from './keys.js';
import type { Study } from './study.js';

/** @param folder of the party @param by `coordinator`, or the site's name @throws GraftError JOURNAL_OTHER_KEY */
export const journalOf = (folder: string, by: string, { signing }: Pick<PartyKeys, 'signing'>): Journal =>
  new Journal({ file: join(folder, journalName), by, key: signing });

/** The study's identity: of all that was agreed to. */
export const digestOf = (study: Study): string => createHash('sha256').update(JSON.stringify(study)).digest('hex');
