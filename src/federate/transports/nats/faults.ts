/** What the errors of the broker's client mean: whether trying again helps, and otherwise which typed error it is. */
import { GraftError } from '../../../core/index.js';
import { federateError } from '../../errors.js';

/**
 * `absent`: nobody answers for the subject, so its stream is missing. `transient`: it may succeed the next time. `full`: it
 * will when somebody has cleared the disk of the broker's machine. `silent`: there was no answer, which is how servers before
 * 2.10 show the same.
 */
export type Fault = GraftError | 'absent' | 'transient' | 'full' | 'silent';

/** JetStream's codes for a store, a stream or an account that is full. */
const full = new Set([10023, 10028, 10047, 10054, 10077]);
/** What the server says where its machine's disk is full; a message is sent again until it is not. */
const diskFull = /no space left on device/;
/** Names of errors that come from the network, or from a broker that is about to start or to stop. */
const passing =
  /^(TimeoutError|RequestError|ConnectionError|ClosedConnectionError|Interruption|JetStreamError|JetStreamApiError|JetStreamStatusError)$/;

interface ClientError extends Error {
  code?: unknown;
  operation?: string;
  subject?: string;
}

/** The connection was lost during a request, or a stream is missing. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
}

/** An error and its causes, outermost first. */
function* causes(error: unknown): Generator<ClientError> {
  for (let one = error; one instanceof Error; one = one.cause) yield one;
}

const named = (error: unknown, name: string) => [...causes(error)].find((one) => one.name === name);

/** Whether the broker's configuration does not allow it. */
export const isForbidden = (error: unknown): boolean => named(error, 'PermissionViolationError') !== undefined;

const refusedExpectation = 10071;
/** The number of the message that a subject keeps, from the refusal of one that expected another; 0 for none. */
export function numberIn(error: unknown): number | undefined {
  const refused = named(error, 'JetStreamApiError');
  const [, number] = /^wrong last sequence: (\d+)$/.exec(refused?.message ?? '') ?? [];
  return Number(refused?.code) === refusedExpectation && number !== undefined ? Number(number) : undefined;
}

/** @throws any other error, which is a defect */
export function faultOf(error: unknown): Fault {
  if (error instanceof GraftError) return error;
  const is = (name: string) => named(error, name);
  const forbidden = is('PermissionViolationError');
  if (forbidden) {
    const operation = forbidden.operation === 'publish' ? 'publish on' : 'subscribe to';
    return federateError('BROKER_FORBIDDEN', { operation, subject: forbidden.subject ?? 'a subject' }, error);
  }
  if (is('NoRespondersError') || is('StreamNotFoundError')) return 'absent';
  const refused = is('JetStreamApiError');
  if (refused && diskFull.test(refused.message)) return 'full';
  if (refused && full.has(Number(refused.code)))
    return federateError('BROKER_FULL', { reason: refused.message }, error);
  if (is('TimeoutError') && !is('Interruption')) return 'silent';
  if ([...causes(error)].some(({ name }) => passing.test(name))) return 'transient';
  throw error;
}
