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

/** @throws any other error, which is a defect */
export function faultOf(error: unknown): Fault {
  if (error instanceof GraftError) return error;
  const chain = [...causes(error)];
  const named = (name: string) => chain.find((one) => one.name === name);
  const forbidden = named('PermissionViolationError');
  if (forbidden) {
    const operation = forbidden.operation === 'publish' ? 'publish on' : 'subscribe to';
    return federateError('BROKER_FORBIDDEN', { operation, subject: forbidden.subject ?? 'a subject' }, error);
  }
  if (named('NoRespondersError') || named('StreamNotFoundError')) return 'absent';
  const refused = named('JetStreamApiError');
  if (refused && diskFull.test(refused.message)) return 'full';
  if (refused && full.has(Number(refused.code)))
    return federateError('BROKER_FULL', { reason: refused.message }, error);
  if (named('TimeoutError') && !named('Interruption')) return 'silent';
  if (chain.some(({ name }) => passing.test(name))) return 'transient';
  throw error;
}
