/**
 * A peer's requests to the broker: keep a message, give the one that is kept on a subject, and at the coordinator list the
 * subjects.
 */
import type {
  JetStreamClient,
  JetStreamManager,
  StoredMsg,
  StreamConfig,
  StreamInfo,
  StreamInfoRequestOptions,
} from '@nats-io/jetstream';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { federateError } from '../../errors.js';
import { connect } from './connection.js';
import { faultOf, numberIn } from './faults.js';
import { Line } from './line.js';
import type { ConnectionOptions } from './peer.js';

/** Time limits of a request in ms: for a small message, and for a chunk, which may have to wait for others on the line. */
const QUICK = 10_000;
const PATIENT = 120_000;
/**
 * Those of a question's attempts: where a stream is missing nobody answers, and asking again soon finds one that was made
 * meanwhile.
 */
const ATTEMPTS = [1000, 3000, QUICK];
/** No message has this number. What expects it to be the last of its subject is refused, and the refusal says which is. */
const NEVER = Number.MAX_SAFE_INTEGER;
/** Room for a message's headers, in bytes. */
const MARGIN = 1024;

export class Broker extends Line {
  readonly manager: JetStreamManager;
  readonly #patient: JetStreamManager;
  readonly #asking: readonly JetStreamManager[];
  readonly #jetstream: JetStreamClient;
  readonly #headers: () => MsgHdrs;
  /** Is told of bytes that have moved to or from the broker. */
  moved: (bytes: number) => void = () => {};

  private constructor(
    client: NatsConnection,
    [manager, patient, ...asking]: readonly JetStreamManager[],
    jetstream: JetStreamClient,
    headers: () => MsgHdrs,
  ) {
    super(client);
    this.manager = manager;
    this.#patient = patient;
    this.#asking = asking;
    this.#jetstream = jetstream;
    this.#headers = headers;
  }

  /** @throws GraftError as `connect` */
  static async connect(options: ConnectionOptions): Promise<Broker> {
    const client = await connect(options);
    const { jetstream, jetstreamManager } = await import('@nats-io/jetstream');
    const { headers } = await import('@nats-io/transport-node');
    const managers = [QUICK, PATIENT, ...ATTEMPTS].map((timeout) =>
      jetstreamManager(client, { checkAPI: false, timeout }),
    );
    return new Broker(client, await Promise.all(managers), jetstream(client), headers);
  }

  /**
   * Publishes a message once and waits until a stream has it.
   *
   * @returns its number in the stream
   * @throws GraftError MESSAGE_TOO_LARGE; the client's errors
   */
  async publish(
    subject: string,
    data: Uint8Array,
    { header: [name, value], patient = false }: { header: readonly [name: string, value: string]; patient?: boolean },
  ): Promise<number> {
    const limit = this.client.info!.max_payload - MARGIN;
    if (data.length > limit) throw federateError('MESSAGE_TOO_LARGE', { subject, size: data.length, limit });
    const headers = this.#headers();
    headers.set(name, value);
    const options = { headers, timeout: patient ? PATIENT : QUICK };
    const { seq } = await this.ask(() => this.#jetstream.publish(subject, data, options));
    this.moved(data.length);
    return seq;
  }

  /** A small message that a stream keeps on a subject: null if there is none, undefined if the stream is missing. */
  last(stream: string, subject: string): Promise<StoredMsg | null | undefined> {
    return this.#question((attempt) => this.#asking[attempt].direct.getMessage(stream, { last_by_subj: subject }));
  }

  /** The chunk on a subject of a stream that is there; null if there is none. */
  async chunk(stream: string, subject: string): Promise<StoredMsg | null> {
    const message = await this.ask(() => this.#patient.direct.getMessage(stream, { last_by_subj: subject }));
    this.moved(message?.data.length ?? 0);
    return message;
  }

  /**
   * The number of the message that a stream keeps on a subject on which this peer may publish: 0 if there is none, undefined if
   * the stream is missing. The message itself does not travel.
   */
  sequence(subject: string): Promise<number | undefined> {
    return this.#question(async (attempt) => {
      try {
        const expect = { lastSubjectSequence: NEVER };
        return (await this.#jetstream.publish(subject, '', { expect, timeout: ATTEMPTS[attempt] })).seq;
      } catch (error) {
        const found = numberIn(error);
        if (found === undefined) throw error;
        return found;
      }
    });
  }

  /** @returns undefined if nobody answers */
  async #question<T>(ask: (attempt: number) => Promise<T>): Promise<T | undefined> {
    for (const attempt of ATTEMPTS.keys())
      try {
        return await this.ask(() => ask(attempt));
      } catch (error) {
        const fault = faultOf(error);
        if (fault === 'absent') break;
        if (fault !== 'silent') throw error;
      }
    return undefined;
  }

  /**
   * At the coordinator: the subjects that match a filter, which may have `*`, and hold a message; none if the stream is missing.
   *
   * @returns `version` differs after every change of the stream; undefined if it is missing
   */
  async subjects(stream: string, filter: string): Promise<{ subjects: string[]; version: string | undefined }> {
    const info = await this.#info(stream, { subjects_filter: filter });
    if (!info) return { subjects: [], version: undefined };
    const { state, created } = info;
    return { subjects: Object.keys(state.subjects ?? {}), version: `${created} ${state.last_seq}` };
  }

  /** A stream's settings; undefined if it is missing. */
  async settings(stream: string): Promise<StreamConfig | undefined> {
    return (await this.#info(stream))?.config;
  }

  async #info(stream: string, asked: Partial<StreamInfoRequestOptions> = {}): Promise<StreamInfo | undefined> {
    try {
      return await this.ask(() => this.manager.streams.info(stream, asked));
    } catch (error) {
      if (faultOf(error) !== 'absent') throw error;
      return undefined;
    }
  }
}
