/**
 * The coordinator's tasks as a site accepts them: signed with the coordinator's key, of one federation, and in ascending
 * order. A repeated or earlier task is ignored; otherwise somebody could replay tasks to make the site train rounds again and
 * send their updates a second time.
 */
import { GraftError } from '../core/index.js';
import { hashOf } from './blobs.js';
import { federateError } from './errors.js';
import { type DoneTask, type RoundTask, type Task, taskLimit, taskOf } from './messages.js';
import { openEnvelope } from './signing.js';

interface Message {
  /** SHA-256 of the task as it travelled, and its bytes. */
  hash: string;
  length: number;
}

/** A round as a site needs it. The list of all that shall train is not kept: many sites may wait in one process. */
export type Assignment = Omit<RoundTask, 'chosen' | 'taken'> &
  Message & {
    /** The last round of which the coordinator took an update of this site; 0: none, or it is not to train and was not left out. */
    last: number;
    /** Short name of the key that the coordinator knows this site by; undefined if it is not to train. */
    known: string | undefined;
  };

export type Call =
  | (Extract<Task, { kind: 'open' }> & Message)
  | Assignment
  /** The rounds are over. The result is in the bytes, which all sites of a process share. */
  | (Pick<DoneTask, 'kind' | 'federation' | 'session' | 'round'> & Message & { bytes: Uint8Array })
  /** The first message that is not the coordinator's, as long as none of its own has come. */
  | { kind: 'ignored'; reason: string };

/** @throws GraftError MESSAGE_INVALID if the coordinator itself sends what this version does not know */
export async function* callsOf(
  tasks: AsyncIterable<Uint8Array>,
  { site, coordinator }: { site: string; coordinator: string },
): AsyncGenerator<Call> {
  const order = new Order();
  let strangers = 0;
  // `task` is not kept in a variable of this generator, which would hold it while it waits for the next one.
  for await (const bytes of tasks) {
    const call = callIn(bytes, site, coordinator);
    if (call.kind === 'ignored') {
      strangers++;
      if (strangers === 1 && !order.begun) yield call;
    } else if (order.takes(call)) yield call;
  }
}

function callIn(bytes: Uint8Array, site: string, coordinator: string): Call {
  let letter: Letter;
  try {
    letter = letterIn(bytes, coordinator);
  } catch (error) {
    if (error instanceof GraftError) return { kind: 'ignored', reason: error.message };
    throw error;
  }
  const task = letter.task();
  const message = { hash: letter.hash, length: bytes.length };
  if (task.kind === 'open') return { ...task, ...message };
  const { kind, federation, session, round } = task;
  if (kind === 'done') return { kind, federation, session, round, ...message, bytes };
  const { chosen, taken, ...rest } = task;
  const known = Object.hasOwn(chosen, site) ? String(chosen[site]) : undefined;
  const last = Object.hasOwn(taken, site) ? Number(taken[site]) : 0;
  return { ...rest, known, last, ...message };
}

/** What the coordinator has signed. */
interface Letter {
  coordinator: string;
  hash: string;
  /** @throws GraftError MESSAGE_INVALID */
  task: () => Task;
}

/** Read once for all sites of a process, which are given the same bytes: a task names every site of the round. */
const letters = new WeakMap<Uint8Array, Letter>();

/** @throws GraftError MESSAGE_INVALID if the coordinator has not signed it */
function letterIn(bytes: Uint8Array, coordinator: string): Letter {
  const read = letters.get(bytes);
  if (read?.coordinator === coordinator) return read;
  const from = 'the coordinator';
  const envelope = openEnvelope(bytes, { speaker: 'coordinator', limit: taskLimit, from });
  if (!envelope.signedBy(coordinator))
    throw federateError('MESSAGE_INVALID', { from, reason: 'it is not signed with the key that the site was given' });
  let task: Task | undefined;
  const letter = {
    coordinator,
    hash: hashOf([bytes]),
    task: () => (task ??= taskOf(envelope.body)),
  };
  letters.set(bytes, letter);
  return letter;
}

/** A task that was accepted before. @throws GraftError MESSAGE_INVALID */
export const taskIn = (bytes: Uint8Array, coordinator: string): Task => letterIn(bytes, coordinator).task();

/** The order of tasks: rounds ascend within a session of the coordinator, and an earlier session does not return. */
class Order {
  #federation: string | undefined;
  #rank = 0;
  #session: string | undefined;
  readonly #left = new Set<string>();

  get begun(): boolean {
    return this.#federation !== undefined;
  }

  takes(task: Exclude<Call, { kind: 'ignored' }>): boolean {
    this.#federation ??= task.federation;
    if (task.federation !== this.#federation || this.#left.has(task.session)) return false;
    const rank = task.kind === 'round' ? task.round : task.kind === 'open' ? 0 : Number.POSITIVE_INFINITY;
    if (task.session === this.#session && rank <= this.#rank) return false;
    if (this.#session !== undefined && task.session !== this.#session) this.#left.add(this.#session);
    this.#session = task.session;
    this.#rank = rank;
    return true;
  }
}
