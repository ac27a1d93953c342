/** Where a run keeps the slices that it prepared, and reading them with progress. */
import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import {
  type Case,
  type CaseSlices,
  cachedSlices,
  type LoadOptions,
  loadSlicesWithPauses,
  type Preprocessing,
} from '../data/index.js';
import type { ProgressEvent } from './events.js';
import type { RunFolder } from './folder.js';

export const cacheSchema = z
  .union([z.boolean(), z.string().min(1)])
  .default(true)
  .describe(
    'where prepared slices are kept: true: in the run’s folder until the run is done; a folder: there for good, also ' +
      'for other runs at the same time; false: in memory',
  );

interface WithCache {
  cache: z.output<typeof cacheSchema>;
}

/** The folder of prepared slices; undefined: they are held in memory. */
export function cacheFolder({ cache }: WithCache, run: RunFolder): string | undefined {
  if (typeof cache === 'boolean') return cache ? run.file('cache') : undefined;
  return resolve(cache.replace(/^~(?=\/|$)/, homedir()));
}

/** Images of patients stay in a run's folder no longer than the run needs them. */
export function removeCache({ cache }: WithCache, run: RunFolder): void {
  if (cache === true) rmSync(run.file('cache'), { recursive: true, force: true });
}

/**
 * Reads and prepares cases, from the cache where there is one.
 *
 * @param task what progress is called; it is told where there is much to read
 * @throws GraftError naming the file that cannot be used
 */
export async function* readSlices(
  task: string,
  cases: readonly Case[],
  preprocessing: Preprocessing,
  { cache, ...options }: LoadOptions & { cache?: string | undefined },
): AsyncGenerator<ProgressEvent, CaseSlices[]> {
  yield { kind: 'task', name: `${task}: read ${cases.length} cases` };
  if (cache === undefined) return yield* loadSlicesWithPauses(cases, preprocessing, options);
  const reading = cachedSlices(cases, preprocessing, { ...options, folder: cache });
  try {
    for (;;) {
      const { done, value } = await reading.next();
      if (done) return value;
      if (typeof value === 'number') yield { kind: 'step', done: value, total: cases.length };
      else yield value;
    }
  } finally {
    await reading.return([]);
  }
}
