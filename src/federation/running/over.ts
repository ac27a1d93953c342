/**
 * That a site has had what the rounds led to. The broker keeps the task that said so, and a coordinator that is started again
 * repeats it: a site that is started again, because the study is to go on, must not take it for news, whether or not the
 * coordinator runs already.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ownMark, readRegularText, sealedJson, unsealedJson, writeFileAtomic } from '../../core/index.js';
import type { Ended } from '../../federate/index.js';
import { siteRunPlaces } from './places.js';

const overSchema = z.strictObject({
  federation: z.string(),
  round: z.int(),
  process: z.looseObject({}),
});

/** @throws GraftError WRITE_FAILED */
export const noteOver = (folder: string, ended: Ended): void =>
  writeFileAtomic(siteRunPlaces(folder).over, sealedJson({ ...ended, process: ownMark() }));

/** The rounds after which a site ended, and whether the process that noted them was killed before its own end. */
export interface Over {
  ended: Ended;
  killed: boolean;
}

/** The rounds after which the site ended; undefined where there is none. To be asked before the folder is taken. */
export function overAfter(folder: string): Over | undefined {
  const { over, adapter } = siteRunPlaces(folder);
  if (!existsSync(over) || !existsSync(adapter)) return undefined;
  try {
    const { process, ...ended } = overSchema.parse(unsealedJson(readRegularText(over, 2 ** 12)));
    const lock = join(folder, 'lock.json');
    const killed = existsSync(lock) && isDeepStrictEqual(JSON.parse(readFileSync(lock, 'utf8')), process);
    return { ended, killed };
  } catch {
    return undefined; // it takes the result once more
  }
}
