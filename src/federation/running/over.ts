/**
 * That a site has had what the rounds led to. The broker keeps the task that said so: a site that is started again, because
 * the study is to go on, must not take it for news, whether or not the coordinator runs already.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ownMark, readRegularText, sealedJson, unsealedJson, writeFileAtomic } from '../../core/index.js';
import { siteRunPlaces } from './places.js';

const overSchema = z.strictObject({
  /** SHA-256 of the task. */
  task: z.string(),
  process: z.looseObject({}),
});

/** @param task SHA-256 of the one that said that the rounds are over @throws GraftError WRITE_FAILED */
export const noteOver = (folder: string, task: string): void =>
  writeFileAtomic(siteRunPlaces(folder).over, sealedJson({ task, process: ownMark() }));

/**
 * The task after which the site ended; undefined where there is none, and for a process that was killed before its end,
 * which is to end once more. To be asked before the folder is taken.
 */
export function overAfter(folder: string): string | undefined {
  const { over, adapter } = siteRunPlaces(folder);
  if (!existsSync(over) || !existsSync(adapter)) return undefined;
  try {
    const { task, process } = overSchema.parse(unsealedJson(readRegularText(over, 2 ** 12)));
    const lock = join(folder, 'lock.json');
    const killed = existsSync(lock) && isDeepStrictEqual(JSON.parse(readFileSync(lock, 'utf8')), process);
    return killed ? undefined : task;
  } catch {
    return undefined; // it takes the result once more
  }
}
