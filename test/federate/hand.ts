/** A coordinator and real sites over a transport, with room for a site that a test plays by hand. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  Coordinator,
  type CoordinatorOptions,
  type Entry,
  encodePayload,
  FederatedSite,
  type Federation,
  type FederationEvent,
  localTransport,
  memoryStore,
  readLedger,
  SigningKey,
  type Transport,
  wireFormats,
} from '../../src/federate/index.js';
import { type RoundTask, type SiteState, type Task, taskOf } from '../../src/federate/messages.js';
import { merge } from '../../src/federate/streams.js';
import { send } from '../../src/federate/wire/index.js';
import { copyState, type State } from '../../src/nn/index.js';
import { zeros } from '../../src/torch/index.js';
import { nameA, nameB, nameBias } from './regression.mjs';
import { newFolder, regression } from './small.js';

export type Event = FederationEvent<{ loss: number }>;

/** A coordinator and real sites, with room for one called `hand` that the test plays. */
export function stage(
  config: Federation,
  options: Partial<CoordinatorOptions> & { wrap?: (site: string, transport: Transport) => Transport } = {},
  real: readonly string[] = ['a', 'b'],
) {
  const { wrap = (_, transport) => transport, transport = localTransport(), folder = newFolder(), ...rest } = options;
  const from = regression({ sites: real.length > 0 ? [...real] : ['a'] });
  const { base, initial } = from;
  const coordinator = new Coordinator({
    folder,
    config,
    plan: 'lora',
    base,
    initial,
    sites: ['a', 'b', 'hand'],
    transport,
    ...rest,
  });
  const end = new AbortController();
  const sites = from.sites.slice(0, real.length).map(
    ({ name, trainer }) =>
      new FederatedSite({
        ...{ name, trainer, transport: wrap(name, transport), store: memoryStore() },
        coordinator: coordinator.publicKey,
      }),
  );
  const events: Event[] = [];
  const waiting: { wanted: (event: Event) => boolean; resolve: (event: Event) => void }[] = [];
  const done = (async () => {
    try {
      for await (const event of merge<Event>([
        coordinator.run(end.signal),
        ...sites.map((site) => site.run(end.signal)),
      ])) {
        events.push(event.kind === 'finished' ? { ...event, global: copyState(event.global) } : event);
        for (const { wanted, resolve } of waiting) if (wanted(event)) resolve(event);
        if (event.kind === 'finished') break;
      }
    } finally {
      end.abort();
      coordinator[Symbol.dispose]();
    }
  })();
  /** The first event of a kind, also one that came already. */
  const seen = (kind: Event['kind'], round?: number) =>
    new Promise<Event>((resolve) => {
      const wanted = (event: Event) =>
        event.kind === kind && (round === undefined || ('round' in event && event.round === round));
      const before = events.find(wanted);
      if (before) resolve(before);
      else waiting.push({ wanted, resolve });
    });
  const ledger = (): Entry[] => readLedger(join(folder, 'ledger.jsonl'));
  const { publicKey } = coordinator;
  return { ...from, coordinator, folder, transport, events, done, seen, ledger, end, publicKey };
}

/** What a task says, whoever signed it. */
export const taskIn = (bytes: Uint8Array): Task => taskOf(JSON.parse(Buffer.from(bytes).toString()).body);

/** Something that is said, where it need not be said where it was said first. */
type Loose<State> = State extends SiteState ? Omit<State, 'federation' | 'session'> & Partial<SiteState> : never;

/** A site played by hand. */
export class Hand {
  readonly #transport: Transport;
  readonly identity: SigningKey;
  readonly name: string;
  readonly base: string;
  constructor(transport: Transport, base: string, name = 'hand', identity = new SigningKey(memoryStore())) {
    this.#transport = transport;
    this.name = name;
    this.base = base;
    this.identity = identity;
  }
  async register(values: Partial<Extract<SiteState, { kind: 'present' }>> = {}) {
    const { publicKey: key } = this.identity;
    await this.say({ kind: 'present', site: this.name, key, base: this.base, slices: 60, cases: 2, ...values });
  }
  /** Says it as it is said in the coordinator's session, unless it says of which it is. @returns what was sent */
  async say(state: Loose<SiteState>, as = this.name): Promise<Uint8Array> {
    const { federation, session } = await this.#task(() => true);
    const bytes = this.identity.seal('site', { ...state, ...{ federation, session }, ...state });
    await this.#transport.updateState(as, bytes);
    return bytes;
  }
  async #task(wanted: (task: Task) => boolean): Promise<Task> {
    const stop = new AbortController();
    for await (const bytes of this.#transport.watchTasks(stop.signal)) {
      const task = taskIn(bytes);
      if (!wanted(task)) continue;
      stop.abort();
      return task;
    }
    throw new Error('no task');
  }
  task = (round: number) => this.#task((task) => task.kind === 'round' && task.round === round) as Promise<RoundTask>;
  /** An update of these tensors; fields of the message and the metadata may be falsified. */
  async update(
    task: RoundTask,
    state: State,
    {
      message = {},
      metadata = {},
      bytes,
    }: { message?: object; metadata?: Record<string, string>; bytes?: Uint8Array } = {},
  ) {
    const labels = { site: this.name, round: String(task.round), base: this.base, plan: 'lora', ...metadata };
    const format = wireFormats[task.wire];
    const payload = encodePayload(send(state, format, new Map()).coded, format, labels, task.compression);
    const sent = bytes ?? payload.bytes;
    await this.#transport.putBlob(sent, task.round);
    const blob = { hash: createHash('sha256').update(sent).digest('hex'), length: payload.length };
    return this.say({
      kind: 'update',
      site: this.name,
      round: task.round,
      blob,
      metrics: {},
      down: 7,
      ...message,
    } as Loose<SiteState>);
  }
}

export const good = (): State =>
  new Map([
    [nameA, zeros([3, 12])],
    [nameB, zeros([10, 3])],
    [nameBias, zeros([10])],
  ]);
