/**
 * Blobs as chunks, each a message on a subject of its own: `PREFIX.0`, `PREFIX.1`, … A chunk that the broker has is not sent
 * again, so an interrupted transfer continues where it was, on either end. That a message is there does not mean that it is the
 * chunk: its owner remembers the numbers that the broker gave to what it sent, and reads a message of another number, which a
 * process before it may have sent, before it takes it for the chunk.
 *
 * The last chunk is sent when the broker has all others, so the first and the last say whether a blob is there.
 *
 * Nothing from the broker is trusted: the size that a chunk states is limited, the lengths must match it, and the SHA-256 is
 * computed while chunks arrive.
 */
import { createHash } from 'node:crypto';
import type { StoredMsg } from '@nats-io/jetstream';
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

/** Of a blob's chunks, the numbers of the messages that hold them, as far as its owner knows them. */
export type Numbers = (number | undefined)[];

/** Whether the broker has a blob's first and last chunk. A store that was lost has no first, an upload under way no last. */
export const hasEnds = (broker: Broker, place: Place, numbers: Numbers): Promise<boolean> =>
  hasAll(broker, place, numbers, new Set([0, numbers.length - 1]));

/** Whether the broker has these chunks of a blob that was sent, by default all. @throws Interruption if the stream is missing */
export async function hasAll(
  broker: Broker,
  place: Place,
  numbers: Numbers,
  chunks: Iterable<number> = numbers.keys(),
): Promise<boolean> {
  let all = true;
  await inLanes(chunks, LANES, async (chunk) => {
    all &&= (await numberAt(broker, place, chunk)) === numbers[chunk];
  });
  return all;
}

/** @throws Interruption if the stream is missing, so that nothing is sent for nobody */
async function numberAt(broker: Broker, { stream, subject }: Place, chunk: number): Promise<number> {
  const number = await broker.sequence(`${subject}.${chunk}`);
  if (number === undefined) throw new Interruption(`${stream} is missing`);
  return number;
}

/**
 * Sends the chunks that the broker does not have, until it has all of them.
 *
 * @param place its subject is the blob's prefix
 * @param numbers what is known of the chunks; afterwards all of them
 * @returns how many were sent
 * @throws GraftError as `Line.insist`
 */
export async function sendChunks(broker: Broker, place: Place, bytes: Uint8Array, numbers: Numbers): Promise<number> {
  let [lanes, sent, complete] = [LANES, 0, false];
  const length = chunkOf(bytes.length);
  const size = String(bytes.length);
  const pieceOf = (chunk: number) => bytes.subarray(chunk * length, (chunk + 1) * length);
  const subjectOf = (chunk: number) => `${place.subject}.${chunk}`;
  const send = async (chunk: number) => {
    numbers[chunk] = await broker.publish(subjectOf(chunk), pieceOf(chunk), {
      header: [sizeHeader, size],
      patient: true,
    });
    sent++;
  };
  const isThere = async (chunk: number) => {
    const number = await numberAt(broker, place, chunk);
    if (number === 0 || number === numbers[chunk]) return number > 0;
    const kept = await broker.chunk(place.stream, subjectOf(chunk));
    if (kept?.header.get(sizeHeader) !== size || Buffer.compare(kept.data, pieceOf(chunk)) !== 0) return false;
    numbers[chunk] = kept.seq;
    return true;
  };
  const missingOf = async () => {
    const all = Array.from({ length: countOf(bytes.length) }, (_, chunk) => chunk);
    if ((await numberAt(broker, place, 0)) === 0) return all;
    const there = new Set<number>();
    await inLanes(all, lanes, async (chunk) => {
      if (await isThere(chunk)) there.add(chunk);
    });
    return all.filter((chunk) => !there.has(chunk));
  };
  // Looks again at the end, in case the broker lost its store meanwhile.
  const round = async (): Promise<boolean> => {
    if (complete && (await hasEnds(broker, place, numbers))) return false;
    try {
      const missing = await missingOf();
      await inLanes(missing.slice(0, -1), lanes, send);
      await inLanes(missing.slice(-1), 1, send);
      complete = true;
      return missing.length > 0;
    } catch (error) {
      lanes = Math.max(1, lanes >> 1);
      throw error;
    }
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
  const get = (chunk: number) => broker.chunk(place.stream, `${place.subject}.${chunk}`);
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
    // No chunk has this number: the answer is only that the stream is there, without which a chunk would be waited for.
    if ((await broker.last(place.stream, `${place.subject}.none`)) === undefined) return false;
    const ahead: Promise<StoredMsg | null>[] = [];
    let asked = next;
    let end: Promise<StoredMsg | null> | undefined;
    try {
      while (next < count) {
        for (; asked < count && ahead.length < lanes; asked++) {
          const chunk = end && asked === count - 1 ? end : get(asked);
          chunk.catch(() => {}); // a failure is handled when it is this chunk's turn
          ahead.push(chunk);
        }
        const message = await ahead.shift();
        if (!message) return false;
        const size = Number(message.header.get(sizeHeader));
        // No memory is taken for chunks that are not there.
        if (!bytes && size <= limit && countOf(size) > 1) {
          end = get(countOf(size) - 1);
          if (!(await end)) return false;
        }
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
