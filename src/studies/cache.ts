/** Where a run keeps the slices that it prepared. */
import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
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
