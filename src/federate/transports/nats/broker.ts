/** A peer's requests to the broker: keep a message, give the one that is kept on a subject, list the subjects. */
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
import { faultOf } from './faults.js';
import { Line } from './line.js';
import type { ConnectionOptions } from './peer.js';

/** Time limits of a request in ms: for a small message, and for a chunk, which may have to wait for others on the line. */
const QUICK = 10_000;
const PATIENT = 120_000;
/** Room for a message's headers, in bytes. */
const MARGIN = 1024;

export class Broker extends Line {
  readonly manager: JetStreamManager;
  readonly #patient: JetStreamManager;
  readonly #jetstream: JetStreamClient;
  readonly #headers: () => MsgHdrs;
  /** Is told of bytes that have moved to or from the broker. */
  moved: (bytes: number) => void = () => {};

  private constructor(
    client: NatsConnection,
    [manager, patient]: readonly JetStreamManager[],
    jetstream: JetStreamClient,
    headers: () => MsgHdrs,
  ) {
    super(client);
    this.manager = manager;
    this.#patient = patient;
    this.#jetstream = jetstream;
    this.#headers = headers;
  }

  /** @throws GraftError as `connect` */
  static async connect(options: ConnectionOptions): Promise<Broker> {
    const client = await connect(options);
    const { jetstream, jetstreamManager } = await import('@nats-io/jetstream');
    const { headers } = await import('@nats-io/transport-node');
    const managers = [QUICK, PATIENT].map((timeout) => jetstreamManager(client, { checkAPI: false, timeout }));
    return new Broker(client, await Promise.all(managers), jetstream(client), headers);
  }

  /**
   * Publishes a message once and waits until a stream has it.
   *
   * @throws GraftError MESSAGE_TOO_LARGE; the client's errors
   */
  async publish(
    subject: string,
    data: Uint8Array,
    { header: [name, value], patient = false }: { header: readonly [name: string, value: string]; patient?: boolean },
  ): Promise<void> {
    const limit = this.client.info!.max_payload - MARGIN;
    if (data.length > limit) throw federateError('MESSAGE_TOO_LARGE', { subject, size: data.length, limit });
    const headers = this.#headers();
    headers.set(name, value);
    await this.ask(() => this.#jetstream.publish(subject, data, { headers, timeout: patient ? PATIENT : QUICK }));
    this.moved(data.length);
  }

  /**
   * The message that a stream keeps on a subject. Nobody answers for a missing stream, so callers ask `subjects` first.
   */
  async last(stream: string, subject: string, { patient = false } = {}): Promise<StoredMsg | null> {
    const { direct } = patient ? this.#patient : this.manager;
    const message = await this.ask(() => direct.getMessage(stream, { last_by_subj: subject }));
    this.moved(message?.data.length ?? 0);
    return message;
  }

  /**
   * The subjects that match a filter, which may have `*`, and hold a message; none if the stream is missing.
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
