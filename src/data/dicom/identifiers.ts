/** Which study, series and image a DICOM file is, whatever kind of object it holds. */
import { DamagedFile } from './data-set.js';
import { elementsIn, readElements } from './elements.js';
import { Window } from './window.js';

export interface Identifiers {
  study: string;
  series: string;
  instance: string;
}

/**
 * @param file a path, or a whole file's bytes
 * @returns undefined where it is not DICOM, is damaged, or lacks one of them
 * @throws the file system's errors
 */
export function identifiersOf(file: string | Buffer): Identifiers | undefined {
  try {
    const elements = (typeof file === 'string' ? readElements(file) : elementsIn(Window.over(file)))?.elements;
    const [study, series, instance] = [elements?.text('study'), elements?.text('series'), elements?.text('instance')];
    return study && series && instance ? { study, series, instance } : undefined;
  } catch (error) {
    if (error instanceof DamagedFile) return undefined;
    throw error;
  }
}
