/** Files sent to where results go: to an archive by STOW-RS (PS3.18 10.5), each in a request of its own, or to a peer by C-STORE.
 * Either takes the same file twice without harm. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isFolder, type ProgressEvent, readRegular, type Tell, told } from '../core/index.js';
import { identifiersOf } from '../data/index.js';
import { type Archive, type ArchiveOptions, archiveAt } from './archive.js';
import { type Peer, type PeerOptions, peerAt, peerName, storeFiles } from './dimse/index.js';
import { pacsError } from './errors.js';
import { bodyOf } from './multipart.js';
import { ask, jsonOf } from './request.js';

/** Reasons that archives give (PS3.18 I.2, PS3.4 B.2.3). */
const reasons: Record<string, string> = {
  '272': 'processing failed',
  '290': 'the kind of object is not supported',
  '42752': 'out of resources',
  '43264': 'it does not match its kind of object',
  '49152': 'it could not be understood',
  '49442': 'its transfer syntax is not supported',
};

const largestAnswer = 2 ** 24;

/** The DICOM files among paths and in their folders, at any depth. @throws GraftError PACS_NOTHING */
export function filesToSend(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const all = isFolder(path)
      ? readdirSync(path, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [path];
    const files = all.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() && isDicomFile(file));
    if (files.length === 0) throw pacsError('PACS_NOTHING', { path });
    return files;
  });
}

const isDicomFile = (file: string) => identifiersOf(file) !== undefined;

/** Where results go: an archive over DICOMweb, or a peer that speaks DICOM's own protocol. */
export type Destination = Archive | Peer;

export type DestinationOptions = ArchiveOptions & PeerOptions;

/** @param address of an archive, or of a peer as of `peerOf` @throws GraftError as `archiveAt` and `peerAt` */
export const destinationAt = (address: string, options: DestinationOptions): Destination =>
  peerAt(address, options) ?? archiveAt(address, options);

/** For messages and logs. */
export const destinationName = (destination: Destination): string =>
  'url' in destination ? destination.url.host : peerName(destination);

/**
 * @returns how many files were taken
 * @throws GraftError PACS_REFUSED, PACS_ANSWER, and as `ask` or `storeFiles`; the files before stay there
 */
export async function* sendFiles(
  destination: Destination,
  files: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<ProgressEvent, number> {
  yield { kind: 'task', name: 'send', total: files.length };
  yield* told(async (tell: Tell) => {
    const taken = (done: number) => tell({ kind: 'step', done, total: files.length });
    if (!('url' in destination)) await storeFiles(destination, files, taken, signal);
    else
      for (const [i, file] of files.entries()) {
        await sendFile(destination, file, signal);
        taken(i + 1);
      }
  });
  yield { kind: 'done', name: 'send' };
  return files.length;
}

async function sendFile(archive: Archive, file: string, signal: AbortSignal | undefined): Promise<void> {
  const { host } = archive.url;
  const what = 'a file';
  const answer = await ask(archive, {
    ...{ path: '/studies', accept: 'application/dicom+json', limit: largestAnswer, what, signal },
    body: bodyOf(readRegular(file)),
  });
  const refused = (reason: string) => pacsError('PACS_REFUSED', { host, file: basename(file), reason });
  if (answer.status === 409) throw refused(failureIn(answer.bytes) ?? 'status 409');
  if (answer.status === 413) throw refused('it is too large');
  const failure = failureIn(Buffer.from(JSON.stringify(jsonOf(answer, archive, what))));
  if (failure) throw refused(failure);
}

/** The first reason in Failed SOP Sequence (0008,1198); undefined where nothing failed. */
function failureIn(bytes: Buffer): string | undefined {
  try {
    const answer = JSON.parse(bytes.toString('utf8')) as Record<
      string,
      { Value?: Record<string, { Value?: unknown[] }>[] }
    >;
    const [failed] = answer['00081198']?.Value ?? [];
    if (!failed) return undefined;
    const reason = String(failed['00081197']?.Value?.[0] ?? '');
    return reasons[reason] ?? `reason ${reason || 'unknown'}`;
  } catch {
    return undefined;
  }
}
