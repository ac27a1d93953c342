/** What a scanner says of a series in words, for rules that choose a model. They may name a patient: no message shows them. */
import { DamagedFile } from './data-set.js';
import { readElements } from './elements.js';
import type { TagName } from './tags.js';

const elements = {
  modality: 'modality',
  manufacturer: 'manufacturer',
  device: 'model',
  bodyPart: 'bodyPart',
  protocol: 'protocol',
  series: 'seriesDescription',
  study: 'studyDescription',
} as const satisfies Record<string, TagName>;

/** Empty where the file does not say. */
export type SeriesWords = Record<keyof typeof elements, string>;

/** @param file an image of the series @throws the file system's errors */
export function seriesWords(file: string): SeriesWords {
  const read = readOrNothing(file);
  const word = (name: TagName) => (read?.decoded(name) ?? read?.text(name) ?? '').trim();
  return Object.fromEntries(Object.entries(elements).map(([key, name]) => [key, word(name)])) as SeriesWords;
}

function readOrNothing(file: string) {
  try {
    return readElements(file)?.elements;
  } catch (error) {
    if (error instanceof DamagedFile) return undefined;
    throw error;
  }
}
