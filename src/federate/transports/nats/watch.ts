/**
 * The last messages and all new ones. New messages arrive as they are published, without a consumer at the broker. The kept
 * ones are read at the beginning, after every interruption and once a minute, in case one got lost between brokers. A
 * message has an id, so it is delivered only once.
 */
import { randomUUID } from 'node:crypto';
import type { StoredMsg } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { inLanes, queueUntil } from '../../streams.js';
import type { Broker } from './broker.js';
import { faultOf, Interruption } from './faults.js';
import type { Place } from './places.js';

export interface Message {
  subject: string;
  data: Uint8Array;
}

/** A message for a place, and the id that it keeps when it is sent again. */
export interface Saying extends Place {
  data: Uint8Array;
  id: string;
}

/** Kept messages that are requested at a time. */
const LANES = 32;
/** JetStream's own, by which it drops duplicates. */
const idHeader = 'Nats-Msg-Id';

export const newId = (): string => randomUUID();
export const idOf = (headers: MsgHdrs | undefined): string => headers?.get(idHeader) ?? '';

/**
 * Publishes a message until a stream has it; a second message with the same id changes nothing.
 *
 * @throws GraftError MESSAGE_TOO_LARGE; as `Line.insist`
 */
export const say = (broker: Broker, { stream, subject, data, id }: Saying): Promise<void> =>
  broker.insist(async () => {
    // With subscribers but without a stream the broker would not answer at all.
    await keptAt(broker, { stream, subject });
    await broker.publish(subject, data, { header: [idHeader, id] });
  });

/** The small message that is kept at a place. @throws Interruption if the stream is missing */
export async function keptAt(broker: Broker, { stream, subject }: Place): Promise<StoredMsg | null> {
  const kept = await broker.last(stream, subject);
  if (kept === undefined) throw new Interruption(`${stream} is missing`);
  return kept;
}

/**
 * @param place its subject, or at the coordinator with `*` at its end all subjects of that form
 * @throws GraftError BROKER_FORBIDDEN, BROKER_REFUSED
 */
export function watch(broker: Broker, { stream, subject }: Place, signal: AbortSignal): AsyncIterable<Message> {
  const queue = queueUntil<Message>(signal);
  const told = new Map<string, string>();
  /** Subjects with new messages since the kept ones were asked for, which are older or the same. */
  let overtaken = new Set<string>();
  const tell = (subject: string, data: Uint8Array, id: string) => {
    if (id === '' || told.get(subject) === id) return;
    told.set(subject, id);
    queue.push({ subject, data });
  };

  let seen: string | undefined;
  const lookAt = async (one: string) => {
    const kept = await keptAt(broker, { stream, subject: one });
    if (kept && !overtaken.has(one)) tell(one, kept.data, idOf(kept.header));
  };
  const look = async () => {
    overtaken = new Set();
    if (!subject.endsWith('*')) return lookAt(subject);
    const { subjects, version } = await broker.subjects(stream, subject);
    if (version !== undefined && version === seen) return;
    await inLanes(subjects, LANES, lookAt);
    seen = version;
  };
  const listen = async () =>
    broker.client.subscribe(subject, {
      callback: (error, { subject: from, data, headers }) => {
        if (error) return queue.fail(faultOf(error));
        overtaken.add(from);
        tell(from, data, idOf(headers));
      },
    });
  const begin = async () => {
    const live = await broker.insist(listen);
    try {
      for await (const _ of broker.occasions(signal)) await broker.insist(look);
    } finally {
      live.unsubscribe();
    }
  };
  begin().then(
    () => queue.end(),
    (error) => queue.fail(error),
  );
  return queue;
}
