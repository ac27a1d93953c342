/**
 * Prepared cases as files that are mapped into memory: prepared once, read at the speed of memory afterwards, by as many
 * runs as want to, and dropped by the operating system where memory is short, so a set may be larger than it.
 */
import { mkdirSync, statSync } from 'node:fs';
import { errorsOf, fileErrors, type Pause } from '../../core/index.js';
import { type Case, viewsOf } from '../dataset.js';
import type { Preprocessing } from '../preprocess/index.js';
import { type CaseSlices, type LoadOptions, toSlices } from '../slices.js';
import { mapEntry } from './entry.js';
import { fillEntry } from './fill.js';
import type { Request } from './key.js';
import { fillInThreads } from './threads.js';

const fileError = errorsOf(fileErrors);

/** Bytes of files from which on preparing them is worth the start of threads. */
const worthThreads = 2 ** 20;

/**
 * As `loadSlices`, through a folder that keeps what was prepared. It may be shared by runs at the same time; entries that
 * are damaged are made anew. A set of more than a megabyte is prepared on several threads.
 *
 * @param options.folder made where it is missing, for its owner alone: prepared images are images of patients
 * @returns the cases in their order, as `loadSlices`, the generator's last value; on the way how many are done, where it takes a while
 * @throws GraftError naming the file that cannot be used, or WRITE_FAILED
 */
export async function* cachedSlices(
  cases: readonly Case[],
  preprocessing: Preprocessing,
  { folder, classes, labels = true }: LoadOptions & { folder: string },
): AsyncGenerator<number | Pause, CaseSlices[]> {
  const requests = cases.flatMap((one) =>
    viewsOf(one, preprocessing).map((view): Request => ({ case: one, preprocessing: view, classes, labels })),
  );
  makePrivate(folder);
  const load = (one: Case, path: string) => toSlices(one, mapEntry(path));
  if (requests.reduce((sum, request) => sum + sourceBytes(request), 0) < worthThreads) {
    const small: CaseSlices[] = [];
    for (const request of requests) small.push(load(request.case, yield* fillEntry(folder, request)));
    return small;
  }

  const slices: CaseSlices[] = new Array(requests.length);
  let done = 0;
  for await (const filled of fillInThreads(folder, requests)) {
    if ('kind' in filled) {
      yield filled;
      continue;
    }
    const { index, path } = filled;
    slices[index] = load(requests[index].case, path);
    yield ++done;
  }
  return slices;
}

/** Leaves a folder that is there as it is: a group that wants to share one sets its rights. */
function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError('WRITE_FAILED', { file: folder, reason: (error as Error).message }, error);
  }
}

/** A file that is not there has none: reading it will tell. */
function sourceBytes({ case: { image, label }, labels }: Request): number {
  const files = labels && label !== undefined ? [image, label] : [image];
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}
