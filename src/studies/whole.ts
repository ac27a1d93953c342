/**
 * What of a run stands when it is resumed: a result, if it is whole and so is every file that it names. Whatever does not
 * stand is made again from what does, to the same bits, and a note says so.
 */
import { existsSync } from 'node:fs';
import type { ProgressEvent } from '../core/index.js';
import { sha256 } from '../core/index.js';
import { checkSafetensors } from '../formats/index.js';
import type { RunFolder } from './folder.js';

/** A file of a run, by its path below the run's folder. */
export interface FileRecord {
  file: string;
  sha256: string;
}

/** Says what is wrong with the first of the files that is not as recorded; undefined: all are. */
export function damagedFile(folder: RunFolder, files: readonly FileRecord[] = []): string | undefined {
  for (const { file, sha256: expected } of files) {
    if (!folder.has(file)) return `${folder.file(file)} is missing`;
    if (sha256(folder.file(file)) !== expected) return `${folder.file(file)} is damaged`;
  }
  return undefined;
}

/**
 * A finished result; undefined where there is none, or none that stands, which a note tells.
 *
 * @param task what is done again then, for people
 * @param filesOf the files that the result names
 * @param faultOf what else is wrong with it
 */
export function* standingResult<Result extends object>(
  folder: RunFolder,
  path: string,
  task: string,
  filesOf: (result: Result) => readonly FileRecord[],
  faultOf: (result: Result) => string | undefined = () => undefined,
): Generator<ProgressEvent, Result | undefined> {
  if (!folder.has(path)) return undefined;
  if (!folder.isWhole(path)) {
    yield { kind: 'note', text: `${folder.file(path)} is damaged: ${task} is done again` };
    return undefined;
  }
  const result = folder.readJson<Result>(path);
  const damage = damagedFile(folder, filesOf(result)) ?? faultOf(result);
  if (damage) yield { kind: 'note', text: `${damage}: ${task} is done again` };
  return damage ? undefined : result;
}

/** Whether a file of tensors is there and can be used; a note tells where it is damaged. @param then what happens */
export function* standingTensors(file: string, then: string): Generator<ProgressEvent, boolean> {
  if (!existsSync(file)) return false;
  if (checkSafetensors(file) !== 'damaged') return true;
  yield { kind: 'note', text: `${file} is damaged: ${then}` };
  return false;
}
