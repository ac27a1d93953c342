/**
 * Images of a study brought here (WADO-RS, PS3.18 10.4), one after another into FOLDER/STUDY/SERIES/IMAGE.dcm under pseudonyms.
 *
 * `retrieved.jsonl` there has a line for each image with its SHA-256: what is there and right is not asked for again.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { appendText, type ProgressEvent, sealedLine, sha256, unsealedLine, writeFileAtomic } from '../core/index.js';
import { identifiersOf, pseudonymKey, uidName } from '../data/index.js';
import type { ArchivedStudy } from './archive.js';
import { pacsError } from './errors.js';
import { type FoundImage, findImages } from './find.js';
import { partsOf } from './multipart.js';
import { ask } from './request.js';

export interface Retrieved {
  /** Images that were brought now, and that were there already. */
  retrieved: number;
  present: number;
  files: string[];
  /** Of the study, or of the series where one was asked for. */
  folder: string;
}

interface Line {
  file: string;
  sha256: string;
}

/** As large as files that graft reads may be. */
const largestImage = 2 ** 31 - 1;
/** Requests at once: enough to hide the way there and back, too few to trouble an archive. */
const together = 4;

/**
 * @throws GraftError PACS_NOT_FOUND, PACS_DIFFERS, PACS_ANSWER, WRITE_FAILED, and as `ask`; what was brought before stays
 */
export async function* retrieveStudy(
  wanted: ArchivedStudy,
  folder: string,
  signal?: AbortSignal,
): AsyncGenerator<ProgressEvent, Retrieved> {
  yield { kind: 'task', name: 'retrieve' };
  const images = await findImages(wanted, signal);
  const record = join(folder, 'retrieved.jsonl');
  const known = new Map(linesOf(record).map((line) => [line.file, line]));
  const key = pseudonymKey();
  const place = ({ series, instance }: FoundImage) =>
    join(uidName(wanted.study, key), uidName(series, key), `${uidName(instance, key)}.dcm`);
  const missing = images.filter((image) => !isRight(folder, known.get(place(image))));
  let done = images.length - missing.length;
  yield { kind: 'step', done, total: images.length };
  for (let first = 0; first < missing.length; first += together) {
    const batch = missing.slice(first, first + together);
    // All of them come to an end, so that nothing is written behind an error.
    const ends = await Promise.allSettled(
      batch.map(async (image) => {
        const bytes = await retrieveImage(wanted, image, signal);
        const file = place(image);
        writeFileAtomic(join(folder, file), bytes);
        appendText(record, sealedLine({ file, sha256: createHash('sha256').update(bytes).digest('hex') }));
      }),
    );
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    done += batch.length;
    yield { kind: 'step', done, total: images.length };
  }
  yield { kind: 'done', name: 'retrieve' };
  const files = images.map((image) => join(folder, place(image)));
  const names = [wanted.study, wanted.series].flatMap((uid) => (uid === undefined ? [] : uidName(uid, key)));
  return { retrieved: missing.length, present: images.length - missing.length, files, folder: join(folder, ...names) };
}

const linesOf = (file: string): Line[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => unsealedLine<Line>(line) ?? [])
    : [];

const isRight = (folder: string, line: Line | undefined): boolean => {
  const path = line && join(folder, line.file);
  return (
    path !== undefined &&
    (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false) &&
    sha256(path) === line?.sha256
  );
};

async function retrieveImage(
  { archive, study }: ArchivedStudy,
  { series, instance }: FoundImage,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { host } = archive.url;
  const what = 'a request for an image';
  const { status, type, bytes } = await ask(archive, {
    path: `/studies/${study}/series/${series}/instances/${instance}`,
    // As it is stored: every other form would be made of it.
    accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
    ...{ limit: largestImage, what, signal },
  });
  if (status === 404) throw pacsError('PACS_NOT_FOUND', { host, what: 'such image any more' });
  const parts = status === 200 ? partsOf(type, bytes) : undefined;
  if (parts?.length !== 1)
    throw pacsError('PACS_ANSWER', {
      host,
      what,
      found: parts ? `${parts.length} parts` : `status ${status}, ${type}`,
    });
  const found = identifiersOf(parts[0]);
  if (!found) throw pacsError('PACS_DIFFERS', { host, found: 'a file that is not DICOM' });
  if (found.instance !== instance || found.series !== series || found.study !== study)
    throw pacsError('PACS_DIFFERS', { host, found: 'an image of other identifiers' });
  return parts[0];
}
