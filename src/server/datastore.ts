/**
 * The images and labels of a site as viewers see them. What a request names is looked for in the list of what is there, and
 * never becomes a path.
 */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lockFolder, readRegular, writeFileAtomic } from '../core/index.js';
import { identifiersOf, scanDicom } from '../data/index.js';
import { caseName, type ImageSource, niftiIn } from '../jobs/index.js';
import { serverError } from './errors.js';
import { fileNameOf, withoutSigns } from './names.js';

/** The tag under which viewers save a label. */
export const finalTag = 'final';

/** Which study and series a viewer knows an image by. */
export interface SeriesNames {
  StudyInstanceUID: string;
  SeriesInstanceUID: string;
}

export class Datastore {
  readonly images: string;
  readonly labels: string;
  /** Found once: headers of many files are read for it. */
  readonly #series: readonly ImageSource[];
  readonly #names = new Map<string, SeriesNames>();

  /** @throws GraftError RUN_IN_USE where another process serves the same labels, DICOM_NOT_FOUND, PSEUDONYM_KEY, WRITE_FAILED */
  constructor(images: string, labels: string) {
    this.images = resolve(images);
    this.labels = resolve(labels);
    lockFolder(this.labels);
    this.#series = scanDicom(this.images).series.map((series) => ({
      ...{ name: `${series.patient}_${series.series}`, path: undefined, series },
    }));
    for (const { name, series } of this.#series) {
      const found = identifiersOf(series!.files[0]);
      if (found) this.#names.set(name, { StudyInstanceUID: found.study, SeriesInstanceUID: found.series });
    }
  }

  /** All images: files by name, then series. */
  list(): ImageSource[] {
    const files = niftiIn(this.images).map((path) => ({ name: caseName(path), path, series: undefined }));
    return [...files, ...this.#series];
  }

  /** @param id an image's name, or a series' identifier, by which OHIF knows it @throws GraftError IMAGE_UNKNOWN */
  find(id: string): ImageSource {
    const images = this.list();
    const found =
      images.find(({ name }) => name === id) ??
      images.find(({ name }) => this.#names.get(name)?.SeriesInstanceUID === id) ??
      images.find(({ name, path }) => path !== undefined && name === withoutSigns(id));
    if (!found) throw serverError('IMAGE_UNKNOWN', { id });
    return found;
  }

  seriesNames({ name }: ImageSource): SeriesNames | undefined {
    return this.#names.get(name);
  }

  /** Files of labels by the names of their images. */
  labelled(): Map<string, string> {
    return new Map(niftiIn(this.labels).map((path) => [caseName(path), path]));
  }

  unlabelled(): ImageSource[] {
    const labelled = this.labelled();
    return this.list().filter(({ name }) => !labelled.has(name));
  }

  /** The label of an image. @throws GraftError LABEL_UNKNOWN */
  labelOf(image: ImageSource, tag: string): string {
    const path = tag === finalTag ? this.labelled().get(image.name) : undefined;
    if (path === undefined) throw serverError('LABEL_UNKNOWN', { image: image.name, tag });
    return path;
  }

  /** Where the label of an image is written, and those that it replaces. */
  placesOf({ name }: ImageSource): { place: string; earlier: string } {
    const place = this.labelled().get(name) ?? join(this.labels, `${name}.nii.gz`);
    return { place, earlier: join(this.labels, 'earlier', name) };
  }

  /**
   * Adds an image that was uploaded and read once.
   *
   * @returns its name @throws GraftError IMAGE_NAME, IMAGE_EXISTS, WRITE_FAILED
   */
  add(id: string, file: string): string {
    const name = fileNameOf(id);
    const bytes = readRegular(file);
    const there = this.list().find((image) => image.name === name);
    if (there) {
      if (there.path !== undefined && readRegular(there.path).equals(bytes)) return name;
      throw serverError('IMAGE_EXISTS', { name });
    }
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    writeFileAtomic(join(this.images, `${name}.nii${packed ? '.gz' : ''}`), bytes);
    return name;
  }

  /** Text for others, without the folders of this machine. */
  shown(text: string): string {
    const bare = [this.labels, this.images].reduce(
      (shorter, folder) => shorter.replaceAll(join(folder, '/'), ''),
      text,
    );
    return bare.replace(/\.work\/[^\s:,]+/g, 'the upload');
  }
}

/** What changes with an image's content, as far as that shows without reading it. */
export function stampOf({ path, series }: ImageSource): string {
  const { size, mtimeMs } = statSync(path ?? series!.files[0], { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 };
  return [size, mtimeMs, series?.files.length ?? 1].join('/');
}
