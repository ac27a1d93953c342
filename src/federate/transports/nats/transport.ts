/**
 * A transport over a NATS broker with JetStream. The broker is a relay that may lose everything: a peer keeps its last
 * messages and the blobs of its rounds, checks after every interruption whether the broker still has them, and sends again
 * what is missing or was replaced. So a broker may be killed, or its store emptied, in the middle of a round.
 */
import { type GraftError, runWithPauses, shownName } from '../../../core/index.js';
import { hashing } from '../../blobs.js';
import { federateError } from '../../errors.js';
import { isHash } from '../../messages.js';
import { memoryStore, type Store } from '../../store.js';
import { Turns } from '../../streams.js';
import type { Transport } from '../../transport.js';
import { RecentBlobs } from '../recent.js';
import { Broker } from './broker.js';
import { fetchChunks, hasAll, hasEnds, type Numbers, sendChunks } from './chunks.js';
import { waitOf } from './connection.js';
import { claim, hearPulses } from './fleeting.js';
import type { BrokerEvent, ConnectionOptions } from './peer.js';
import { nameOf, type Place, placesOf, tokenOf } from './places.js';
import { CAPACITY, makeStreams, tidy } from './storage.js';
import { idOf, keptAt, newId, type Saying, say, watch } from './watch.js';

/** Options of `natsTransport`. */
export interface NatsOptions extends ConnectionOptions {
  /**
   * Holds the blobs that may have to be sent again, including the corrections of all rounds; by default memory. Its present
   * content is removed.
   */
  blobs?: Store;
  /** Bytes at the broker for the coordinator's blobs, and as many for those of all sites; the coordinator's value counts. */
  capacity?: number;
  /** Is told of bytes that have moved to or from the broker. */
  moved?: ((bytes: number) => void) | undefined;
  /** Seconds to wait for a missing blob, whose owner sends it again after a loss; by default 30. */
  patience?: number;
}

/** A peer's transport. Disposing it closes the connection, and calls that wait for the broker throw TRANSPORT_CLOSED. */
export interface NatsTransport extends Transport, AsyncDisposable {
  /** What happens to the connection from now on. */
  events(signal: AbortSignal): AsyncIterable<BrokerEvent>;
  /** At the coordinator: what the pulses of sites say, as it came. */
  pulses(signal: AbortSignal): AsyncIterable<{ site: string; pulse: Uint8Array }>;
  /**
   * At the coordinator: asks whether there is another one, and from now on answers that question. It asks again whenever the
   * connection was lost, before anything else is said, and after somebody else has asked: another one may have been started
   * meanwhile, while this one was cut off or suspended.
   *
   * @param name of this one, for people
   * @param refusal the error where the one of that name answers; all later calls throw it, too
   */
  claim(name: string, refusal: (other: string) => GraftError): Promise<void>;
}

/** Most milliseconds between two looks for a missing blob. */
const GLANCE = 2000;

/**
 * Connects one peer: the coordinator, or the site that the options name. It needs the permissions that
 * `brokerConfiguration` gives it.
 *
 * @throws GraftError FEDERATION_NAME_INVALID, BROKER_ADDRESS_INVALID, BROKER_INSECURE, CERTIFICATE_MISSING, SECRET_EXPOSED,
 * BROKER_UNREACHABLE, BROKER_REFUSED, BROKER_UNSUITED. Its methods throw BROKER_FORBIDDEN, BROKER_FULL, BROKER_REFUSED,
 * TRANSPORT_CLOSED, MESSAGE_TOO_LARGE, BLOB_MISSING, BLOB_TOO_LARGE and PAYLOAD_INVALID, and wait while the broker is away.
 */
export async function natsTransport(options: NatsOptions): Promise<NatsTransport> {
  const { federation, site, capacity = CAPACITY, patience = 30 } = options;
  const places = placesOf(federation);
  const broker = await Broker.connect(options);
  broker.moved = options.moved ?? broker.moved;
  const recent = new RecentBlobs(options.blobs ?? memoryStore());
  const said = new Map<string, Saying>();
  /** What is said goes out in order, so that nothing older that the broker lost is said again after something newer. */
  const turns = new Turns();
  /** Number of tasks that arrived: once there is a newer one, a blob of an earlier one is not waited for. */
  let tasks = 0;
  let making: Promise<void> | undefined;
  const makeAll = () => {
    making ??= makeStreams(broker, places, capacity).finally(() => {
      making = undefined;
    });
    return making;
  };
  if (site === undefined) broker.repair = makeAll;

  const placeOf = (hash: string, from: { site: string; round: number } | undefined): Place =>
    from === undefined
      ? { ...places.blob, subject: `${places.blob.subject}.${hash}` }
      : { ...places.update, subject: `${places.update.subject}.${tokenOf(from.site)}.${from.round}.${hash}` };

  /** Where this peer puts a blob. */
  const ownPlace = (hash: string, round = 0): Place => placeOf(hash, site === undefined ? undefined : { site, round });

  /** Numbers of the chunks of blobs that may have to be sent again, by the subject. */
  const sent = new Map<string, Numbers>();
  const numbersOf = (place: Place): Numbers => sent.get(place.subject) ?? [];
  const remember = (place: Place, numbers: Numbers) => {
    sent.set(place.subject, numbers);
    const held = new Set(recent.list().map(({ hash, round }) => ownPlace(hash, round).subject));
    for (const subject of sent.keys()) if (!held.has(subject)) sent.delete(subject);
  };

  /** Of the reconnection after which everything was looked for. */
  let looked: number | undefined;

  /** Sends again what the broker lost. A broker that was away may have lost anything; in between, the ends of blobs tell. */
  const restore = async () => {
    const { reconnections } = broker;
    const again = looked !== reconnections;
    if (site === undefined) await broker.insist(makeAll);
    for (const { hash, round } of recent.list()) {
      const place = ownPlace(hash, round);
      const numbers = numbersOf(place);
      const there = await broker.insist(() => (again ? hasAll : hasEnds)(broker, place, numbers));
      const bytes = there ? undefined : recent.get(hash);
      if (bytes && (await sendChunks(broker, place, bytes, numbers)) > 0)
        broker.events.push({ kind: 'restored', what: 'blob' });
    }
    for (const subject of said.keys()) {
      using _turn = await turns.take();
      let message = said.get(subject)!;
      const kept = await broker.insist(() => keptAt(broker, message));
      if (kept && idOf(kept.header) === message.id && Buffer.compare(kept.data, message.data) === 0) continue;
      if (kept) {
        // Perhaps another coordinator's; and JetStream would drop a message with the same id for some minutes.
        await broker.returning();
        message = { ...message, id: newId() };
        said.set(subject, message);
      }
      await say(broker, message);
      broker.events.push({ kind: 'restored', what: message.stream === places.task.stream ? 'task' : 'state' });
    }
    looked = reconnections;
  };
  const tell = async (place: Place, data: Uint8Array) => {
    using _turn = await turns.take();
    const message = { ...place, data, id: newId() };
    said.set(place.subject, message);
    await say(broker, message);
  };

  const end = new AbortController();
  (async () => {
    for await (const _ of broker.occasions(end.signal)) await restore().catch(() => {}); // a failure shows in the calls that need the broker
  })().catch(() => {});

  return {
    async publishTask(task) {
      await tell(places.task, task);
      const blobs = recent.list();
      const round = Math.max(0, ...blobs.map((one) => one.round ?? 0));
      await broker.insist(() => tidy(broker, places, new Set(blobs.map(({ hash }) => hash)), round));
    },
    async *watchTasks(signal) {
      for await (const { data } of watch(broker, places.task, signal)) {
        tasks++;
        if (site !== undefined) recent.clear(); // blobs that the task needs are put again
        yield data;
      }
    },
    async putBlob(bytes, round) {
      const hash = await runWithPauses(hashing(bytes));
      const place = ownPlace(hash, round);
      const numbers = numbersOf(place);
      await sendChunks(broker, place, bytes, numbers);
      await recent.put(bytes, round, hash);
      remember(place, numbers);
      return hash;
    },
    async getBlob(hash, limit, from) {
      const missing = () => federateError('BLOB_MISSING', { blob: shownName(hash) });
      if (!isHash(hash)) throw missing();
      const before = tasks;
      let left = patience * 1000;
      for (let attempt = 0; ; attempt++) {
        const [begun, { reconnections }] = [Date.now(), broker];
        const bytes = await fetchChunks(broker, placeOf(hash, from), hash, limit);
        if (bytes) return bytes;
        // Where its stream is missing, the broker may let a question wait. That it was away itself does not count.
        if (broker.reconnections === reconnections) left -= Date.now() - begun;
        if (left <= 0 || tasks !== before) throw missing();
        const pause = Math.min(left, GLANCE, waitOf(attempt));
        left -= pause;
        await broker.wait(pause);
      }
    },
    updateState: (name, state) => tell({ ...places.state, subject: `${places.state.subject}.${tokenOf(name)}` }, state),
    async *presence(signal) {
      const { stream, subject } = places.state;
      for await (const { subject: from, data } of watch(broker, { stream, subject: `${subject}.*` }, signal)) {
        const name = nameOf(from.slice(subject.length + 1));
        if (name !== undefined) yield { site: name, state: data };
      }
    },
    events: (signal) => broker.events.listen(signal),
    pulses: (signal) => hearPulses(broker, federation, signal),
    claim: (name, refusal) => claim(broker, federation, name, refusal),
    async [Symbol.asyncDispose]() {
      end.abort();
      await broker.close();
    },
  };
}
