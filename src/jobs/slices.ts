/** Reading and preparing cases with progress. */

import { forward, type ProgressEvent } from '../core/index.js';
import {
  type Case,
  type CaseSlices,
  cachedSlices,
  type LoadOptions,
  loadSlicesWithPauses,
  type Preprocessing,
} from '../data/index.js';

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
  return yield* forward(cachedSlices(cases, preprocessing, { ...options, folder: cache }), (event) => [
    typeof event === 'number' ? ({ kind: 'step', done: event, total: cases.length } as const) : event,
  ]);
}
