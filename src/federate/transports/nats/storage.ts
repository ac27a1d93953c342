/** The streams that keep a federation's messages. The coordinator makes them, and makes them again if the broker lost them. */
import { isDeepStrictEqual } from 'node:util';
import type { StreamConfig } from '@nats-io/jetstream';
import { isHash } from '../../messages.js';
import type { Broker } from './broker.js';
import type { Place, Places } from './places.js';

/** Default bytes at the broker for the coordinator's blobs, and as many for those of all sites. */
export const CAPACITY = 2 ** 31;
/** Chunks are removed after a week, in ns; their owner puts them again if they are still needed. */
const WEEK = 7 * 24 * 3600 * 1e9;
/** Each subject keeps its last message; a full stream refuses more, so that nothing is displaced unnoticed. */
const streamsOf = (places: Places, capacity: number): (Partial<StreamConfig> & { name: string })[] => {
  const kept = { max_msgs_per_subject: 1, storage: 'file', discard: 'new', allow_direct: true } as const;
  return [
    { ...kept, name: places.task.stream, subjects: [places.task.subject] },
    { ...kept, name: places.state.stream, subjects: [`${places.state.subject}.*`] },
    { ...kept, name: places.blob.stream, subjects: [`${places.blob.subject}.*.*`], max_bytes: capacity, max_age: WEEK },
    {
      ...{ ...kept, name: places.update.stream, subjects: [`${places.update.subject}.*.*.*.*`] },
      ...{ max_bytes: capacity, max_age: WEEK },
    },
  ];
};

/**
 * Makes missing streams, and updates the settings of the others. An existing stream is not made again, since the broker
 * would count its space twice.
 */
export async function makeStreams(broker: Broker, places: Places, capacity: number): Promise<void> {
  const { streams } = broker.manager;
  for (const stream of streamsOf(places, capacity)) {
    const found = await broker.settings(stream.name);
    if (!found) await broker.ask(() => streams.add(stream));
    else if (Object.entries(stream).some(([key, value]) => !isDeepStrictEqual(found[key as keyof StreamConfig], value)))
      await broker.ask(() => streams.update(stream.name, stream));
  }
}

/** Removes what no round needs any more: all blobs except these, and updates of earlier rounds. */
export async function tidy(
  broker: Broker,
  { blob, update }: Places,
  needed: ReadonlySet<string>,
  round: number,
): Promise<void> {
  const { streams } = broker.manager;
  const purge = ({ stream }: Place, filter: string) => broker.ask(() => streams.purge(stream, { filter }));
  const beginnings = async ({ stream, subject }: Place, filter: string) =>
    (await broker.subjects(stream, `${subject}.${filter}.0`)).subjects.map((one) =>
      one.slice(subject.length + 1).split('.'),
    );
  for (const [hash] of await beginnings(blob, '*'))
    if (isHash(hash) && !needed.has(hash)) await purge(blob, `${blob.subject}.${hash}.*`);
  const rounds = new Set((await beginnings(update, '*.*.*')).map(([, put]) => Number(put)));
  for (const put of rounds) if (put > 0 && put < round) await purge(update, `${update.subject}.*.${put}.*.*`);
}
