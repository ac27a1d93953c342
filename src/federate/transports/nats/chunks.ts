/**
 * Blobs as chunks, each a message on a subject of its own: `PREFIX.0`, `PREFIX.1`, … A chunk that the broker has is not sent
 * again, so an interrupted transfer continues where it was, on either end.
 *
 * The last chunk is sent when the broker has all others, so the first and the last say whether a blob is there. Asking for all
 * subjects of a blob would take the broker as long as it has subjects of other blobs.
 *
 * Nothing from the broker is trusted: the size that a chunk states is limited, the lengths must match it, and the SHA-256 is
 * computed while chunks arrive.
 */
import { createHash } from 'node:crypto';
import { federateError } from '../../errors.js';
import { inLanes } from '../../streams.js';
import type { Broker } from './broker.js';
import { Interruption } from './faults.js';
import type { Place } from './places.js';

/** Most bytes of a chunk, as a broker usually allows 1 MiB for a message, and least, as each needs an acknowledgement. */
const [LARGEST, SMALLEST] = [768 * 1024, 32 * 1024];
/** Chunks that a blob of middle size has: what was under way of one chunk is what an interruption costs. */
const PARTS = 64;
/** Chunks in flight at a time; halved after an interruption, which may be due to a slow line. */
const LANES = 16;
const sizeHeader = 'Graft-Size';

/** Bytes of every chunk of a blob but its last. */
export const chunkOf = (size: number): number => Math.min(LARGEST, Math.max(SMALLEST, Math.ceil(size / PARTS)));
/** Number of chunks of a blob; an empty one has one, too. */
export const countOf = (size: number): number => Math.max(1, Math.ceil(size / chunkOf(size)));

/** Whether the broker has a blob's first and last chunk. A store that was lost has no first, an upload under way no last. */
export async function hasEnds(broker: Broker, place: Place, size: number): Promise<boolean> {
  for (const chunk of new Set([0, countOf(size) - 1])) if (!(await hasChunk(broker, place, chunk))) return false;
  return true;
}

async function hasChunk(broker: Broker, { stream, subject }: Place, chunk: number): Promise<boolean> {
  return (await broker.subjects(stream, `${subject}.${chunk}`)).subjects.length > 0;
}

/**
 * The chunks that the broker does not have.
 *
 * @throws Interruption if the stream is missing, so that nothing is sent for nobody
 */
export async function missingChunks(broker: Broker, place: Place, size: number): Promise<number[]> {
  const { stream, subject } = place;
  const first = await broker.subjects(stream, `${subject}.0`);
  if (first.version === undefined) throw new Interruption(`${stream} is missing`);
  const any = first.subjects.length > 0;
  const there = new Set(any ? (await broker.subjects(stream, `${subject}.*`)).subjects : []);
  return Array.from({ length: countOf(size) }, (_, chunk) => chunk).filter(
    (chunk) => !there.has(`${subject}.${chunk}`),
  );
}

/**
 * Sends the chunks that the broker does not have, until it has all of them.
 *
 * @param place its subject is the blob's prefix
 * @returns how many were sent
 * @throws GraftError as `Line.insist`
 */
export async function sendChunks(broker: Broker, place: Place, bytes: Uint8Array): Promise<number> {
  let [lanes, sent, complete] = [LANES, 0, false];
  const length = chunkOf(bytes.length);
  const send = async (chunk: number) => {
    const piece = bytes.subarray(chunk * length, (chunk + 1) * length);
    await broker.publish(`${place.subject}.${chunk}`, piece, {
      header: [sizeHeader, String(bytes.length)],
      patient: true,
    });
    sent++;
  };
  // Looks again at the end, in case the broker lost its store meanwhile.
  const round = async (): Promise<boolean> => {
    if (complete && (await hasEnds(broker, place, bytes.length))) return false;
    const missing = await missingChunks(broker, place, bytes.length);
    try {
      await inLanes(missing.slice(0, -1), lanes, send);
      await inLanes(missing.slice(-1), 1, send);
    } catch (error) {
      lanes = Math.max(1, lanes >> 1);
      throw error;
    }
    complete = true;
    return missing.length > 0;
  };
  while (await broker.insist(round));
  return sent;
}

/**
 * Reads a blob.
 *
 * @param place its subject is the blob's prefix
 * @param limit bytes; of a larger blob only the first chunk is read
 * @returns undefined if a chunk is missing
 * @throws GraftError BLOB_TOO_LARGE; PAYLOAD_INVALID if it is not what the hash says; as `Line.insist`
 */
export async function fetchChunks(
  broker: Broker,
  place: Place,
  hash: string,
  limit: number,
): Promise<Uint8Array | undefined> {
  const invalid = (reason: string) => federateError('PAYLOAD_INVALID', { from: 'the broker', reason });
  const get = (chunk: number) => broker.last(place.stream, `${place.subject}.${chunk}`, { patient: true });
  const digest = createHash('sha256');
  let bytes: Uint8Array | undefined;
  let [lanes, next, count] = [LANES, 0, 1];

  const take = (data: Uint8Array, said: number) => {
    if (!bytes) {
      if (said > limit) throw federateError('BLOB_TOO_LARGE', { blob: hash, size: said, limit });
      if (!Number.isSafeInteger(said) || said < 0) throw invalid(`the size of ${hash} is no number of bytes`);
      bytes = new Uint8Array(said);
      count = countOf(said);
    }
    const length = chunkOf(said);
    const start = next * length;
    if (said !== bytes.length || data.length !== Math.min(length, said - start))
      throw invalid(`the lengths of the chunks of ${hash} do not fit together`);
    bytes.set(data, start);
    digest.update(data);
    next++;
  };
  const whole = await broker.insist(async () => {
    if (!(await hasChunk(broker, place, 0))) return false;
    const ahead: ReturnType<typeof get>[] = [];
    let asked = next;
    try {
      while (next < count) {
        for (; asked < count && ahead.length < lanes; asked++) {
          const chunk = get(asked);
          chunk.catch(() => {}); // a failure is handled when it is this chunk's turn
          ahead.push(chunk);
        }
        const message = await ahead.shift();
        if (!message) return false;
        const size = Number(message.header.get(sizeHeader));
        // No memory is taken for chunks that are not there.
        if (!bytes && size <= limit && !(await hasChunk(broker, place, countOf(size) - 1))) return false;
        take(message.data, size);
      }
    } catch (error) {
      lanes = Math.max(1, lanes >> 1);
      throw error;
    }
    return true;
  });
  if (!whole) return undefined;
  if (digest.digest('hex') !== hash) throw invalid(`the chunks of ${hash} were changed on their way`);
  return bytes;
}
