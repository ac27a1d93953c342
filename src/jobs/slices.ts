/** Reading and preparing cases with progress. */
import { forward, type ProgressEvent } from '../core/index.js';
import {
  type Case,
  type CaseSlices,
  cachedSlices,
  type LoadOptions,
  loadSlicesWithPauses,
  viewsOf,
} from '../data/index.js';
import type { Segmenter } from '../segmenter/index.js';

interface ReadOptions extends Pick<LoadOptions, 'labels'> {
  /** Folder of prepared slices; default: they are held in memory. */
  cache?: string | undefined;
}

/**
 * Reads cases and prepares them for a model, in each of its planes, from the cache where there is one. The caller frees
 * them.
 *
 * @param task what progress is called; it is told where there is much to read
 * @throws GraftError naming the file that cannot be used
 */
export async function* readSlices(
  task: string,
  cases: readonly Case[],
  { classes, preprocessing }: Segmenter,
  { cache, ...rest }: ReadOptions = {},
): AsyncGenerator<ProgressEvent, CaseSlices[]> {
  const options = { classes: classes.length + 1, ...rest };
  yield { kind: 'task', name: `${task}: read ${cases.length} cases` };
  if (cache === undefined) return yield* loadSlicesWithPauses(cases, preprocessing, options);
  const total = cases.flatMap((one) => viewsOf(one, preprocessing)).length;
  return yield* forward(cachedSlices(cases, preprocessing, { ...options, folder: cache }), (event) => [
    typeof event === 'number' ? ({ kind: 'step', done: event, total } as const) : event,
  ]);
}

/** The slices of some of the cases. */
export const slicesOf = (slices: readonly CaseSlices[], cases: readonly Case[]): CaseSlices[] =>
  slices.filter(({ case: one }) => cases.includes(one));

export function freeSlices(slices: readonly CaseSlices[]): void {
  for (const { images } of slices) images.dispose();
}
