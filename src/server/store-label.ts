/** A corrected mask as the label of its image: checked, on the image's own grid, and nothing of before is lost. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Pause, readRegular, writeFileAtomic } from '../core/index.js';
import {
  assertClasses,
  assertSameGrid,
  convertDicomSeries,
  maskFileWithPauses,
  niftiStem,
  type Placed,
  readLabelWithPauses,
  readPlace,
} from '../data/index.js';
import type { ImageSource } from '../jobs/index.js';
import { serverError } from './errors.js';
import type { Request, Values } from './message.js';

/** @throws GraftError IMAGE_VOLUMES where a series holds several */
export function single<Item>(image: string, volumes: readonly Item[]): Item {
  if (volumes.length !== 1) throw serverError('IMAGE_VOLUMES', { image, count: volumes.length });
  return volumes[0];
}

/** @throws GraftError GRID_MISMATCH, LABEL_VALUE, LABEL_CLASS, LABEL_OUTSIDE_CLASSES, NIFTI_…, WRITE_FAILED */
export async function* storeLabel(request: Request & { kind: 'label' }): AsyncGenerator<Pause, Values['label']> {
  const { image, file, place, earlier, names, classes } = request;
  const label = { ...(yield* readLabelWithPauses(file)), path: 'the label' };
  const placed = { ...(await placeOf(image)), path: image.name };
  assertSameGrid(label, placed);
  const data = names ? byName(label.data, names, classes) : label.data;
  assertClasses({ ...label, data }, classes.length + 1);
  const bytes = Buffer.concat(yield* maskFileWithPauses(place, data, placed.grid));
  const before = existsSync(place) ? readRegular(place) : undefined;
  if (before?.equals(bytes)) return { changed: false, kept: undefined };
  const kept = before && keep(before, place, earlier);
  writeFileAtomic(place, bytes);
  return { changed: true, kept };
}

const placeOf = async ({ name, path, series }: ImageSource): Promise<Placed> =>
  series ? single(name, await convertDicomSeries(series)) : readPlace(path!);

/** Values by the classes that they are called. @throws GraftError LABEL_CLASS */
function byName(data: Uint8Array, names: Record<number, string>, classes: readonly string[]): Uint8Array {
  const counts = new Uint32Array(256);
  for (const value of data) counts[value]++;
  const numbers = new Uint8Array(256);
  for (const [value, voxels] of counts.entries()) {
    if (value === 0 || voxels === 0) continue;
    const name = names[value] ?? `the value ${value}, which has no name`;
    numbers[value] = classes.indexOf(name) + 1;
    if (numbers[value] === 0) throw serverError('LABEL_CLASS', { voxels, name, classes: classes.join(', ') });
  }
  return data.map((value) => numbers[value]);
}

/** Keeps a label that is about to be replaced, under the next number. @returns its path */
function keep(bytes: Buffer, place: string, folder: string): string {
  const numbers = existsSync(folder) ? readdirSync(folder).map((name) => Number(niftiStem(name))) : [];
  const next = Math.max(0, ...numbers.filter(Number.isInteger)) + 1;
  const path = join(folder, `${next}${/\.nii(\.gz)?$/i.exec(place)![0]}`);
  writeFileAtomic(path, bytes);
  return path;
}
