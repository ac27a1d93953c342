/**
 * The coordinator's tasks as a site takes them: only what the coordinator's key has signed, only of one federation, and
 * only forwards. A task that comes again, or one from before, asks for nothing: a site that heard of nothing else would
 * train rounds again whose updates somebody wants to have a second time.
 */
import { GraftError } from '../core/index.js';
import { federateError } from './errors.js';
import { type DoneTask, type RoundTask, type Task, taskLimit, taskOf } from './messages.js';
import { openEnvelope } from './signing.js';

/** A round as a site needs it. The list of all that shall train is not kept: many sites may wait in one process. */
export type Assignment = Omit<RoundTask, 'chosen'> & {
  /** Short name of the key that the coordinator knows this site by; undefined where it is not to train. */
  known: string | undefined;
  /** Bytes of the task. */
  length: number;
};

export type Call =
  | Extract<Task, { kind: 'open' }>
  | Assignment
  /** The rounds are over. What came of them is in the bytes, which all sites of a process share. */
  | (Pick<DoneTask, 'kind' | 'federation' | 'session'> & { bytes: Uint8Array })
  /** The first message that is not the coordinator's, as long as none of its own has come. */
  | { kind: 'ignored'; reason: string };

/** @throws GraftError MESSAGE_INVALID where the coordinator itself says what this version does not know */
export async function* callsOf(
  tasks: AsyncIterable<Uint8Array>,
  { site, coordinator }: { site: string; coordinator: string },
): AsyncGenerator<Call> {
  const order = new Order();
  let strangers = 0;
  // What is parsed is not held here: this generator waits for the next task with all that it has named.
  for await (const bytes of tasks) {
    const call = callIn(bytes, site, coordinator);
    if (call.kind === 'ignored') {
      strangers++;
      if (strangers === 1 && !order.begun) yield call;
    } else if (order.takes(call)) yield call;
  }
}

function callIn(bytes: Uint8Array, site: string, coordinator: string): Call {
  let body: string;
  try {
    body = signedBody(bytes, coordinator);
  } catch (error) {
    if (error instanceof GraftError) return { kind: 'ignored', reason: error.message };
    throw error;
  }
  const task = taskOf(body);
  if (task.kind === 'open') return task;
  const { kind, federation, session } = task;
  if (kind === 'done') return { kind, federation, session, bytes };
  const { chosen, ...rest } = task;
  const known = Object.hasOwn(chosen, site) ? String(chosen[site]) : undefined;
  return { ...rest, known, length: bytes.length };
}

/** @throws GraftError MESSAGE_INVALID where the coordinator has not signed it */
function signedBody(bytes: Uint8Array, coordinator: string): string {
  const from = 'the coordinator';
  const letter = openEnvelope(bytes, { speaker: 'coordinator', limit: taskLimit, from });
  if (letter.signedBy(coordinator)) return letter.body;
  throw federateError('MESSAGE_INVALID', { from, reason: 'it is not signed with the key that the site was given' });
}

/** A task that was taken before. @throws GraftError MESSAGE_INVALID */
export const taskIn = (bytes: Uint8Array, coordinator: string): Task => taskOf(signedBody(bytes, coordinator));

/** The order of tasks: within a session of the coordinator rounds go up, and a session that was left does not come back. */
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
