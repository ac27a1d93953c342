/** Sites whose cases are in memory, or in the cache: what training a part of a network reads. */
import type { ProgressEvent } from '../core/index.js';
import type { Case, CaseSlices } from '../data/index.js';
import type { Segmenter } from '../segmenter/index.js';
import { freeSlices, readSlices, slicesOf } from './slices.js';

/** A site with its slices. */
export interface LoadedSite {
  name: string;
  train: CaseSlices[];
  /** May be empty. */
  validation: CaseSlices[];
}

/**
 * Prepares labelled cases for a model.
 *
 * @param cache folder of prepared slices; undefined: they are held in memory
 * @throws GraftError naming the file that cannot be used
 */
export async function* loadSite(
  { name, train, validation }: { name: string; train: readonly Case[]; validation: readonly Case[] },
  model: Segmenter,
  cache: string | undefined,
): AsyncGenerator<ProgressEvent, LoadedSite> {
  const slices = yield* readSlices(name, [...train, ...validation], model, { cache });
  return { name, train: slicesOf(slices, train), validation: slicesOf(slices, validation) };
}

export const freeSite = ({ train, validation }: LoadedSite): void => freeSlices([...train, ...validation]);
