/** How the programs of a study reach its broker: its addresses, and patience until it is there. */
import { setTimeout } from 'node:timers/promises';
import { GraftError, type Tell } from '../../core/index.js';
import {
  type BrokerEvent,
  type ConnectionOptions,
  type NatsOptions,
  type NatsTransport,
  natsTransport,
  type TlsFiles,
} from '../../federate/index.js';
import { federationError } from '../errors.js';
import type { Study } from '../study.js';
import { certificateFault } from '../verification.js';

/**
 * How a peer of the study connects: through a proxy by WebSockets, otherwise by whatever the study names first.
 *
 * @param site undefined: the coordinator
 * @throws GraftError PROXY_UNSUITED
 */
export function connectionOf(
  { name: federation, broker }: Study,
  tls: TlsFiles,
  { site, proxy }: { site?: string; proxy?: string | undefined } = {},
): ConnectionOptions {
  const web = (address: string) => address.startsWith('wss:');
  const kind = proxy !== undefined || web(broker[0]);
  const servers = broker.filter((one) => web(one) === kind);
  if (servers.length === 0)
    throw federationError('PROXY_UNSUITED', { study: federation, addresses: broker.join(', ') });
  return { servers, federation, site, tls, proxy };
}

/** What becomes of the connection, for people. */
export const textOfBroker = (event: BrokerEvent): string =>
  ({
    connected: 'The broker is there again.',
    disconnected: 'The broker does not answer; it is waited for.',
    stuck:
      event.kind === 'stuck' && event.cause === 'full'
        ? 'The disk of the broker’s machine is full: its administrator has to make room there. What is to be sent is tried again until then.'
        : 'The broker is there, but does not answer what is sent: perhaps the disk of its machine is full. Its administrator has to look, make room and start it again. What is to be sent is tried again until then.',
    unstuck: 'The broker answers again.',
    restored: `The broker had lost a ${event.kind === 'restored' ? event.what : ''}; it has it again.`,
  })[event.kind];

/** Between two attempts, in ms: from the shortest to the longest. */
const [SHORT, LONG] = [200, 30_000];

/**
 * Connects as soon as the broker can be reached.
 *
 * @returns undefined where the signal was aborted first
 * @throws GraftError what waiting does not cure: BROKER_REFUSED, BROKER_UNSUITED, CERTIFICATE_…
 */
export async function connected(
  options: NatsOptions,
  tell: Tell,
  signal: AbortSignal,
): Promise<NatsTransport | undefined> {
  const { servers, site = 'the coordinator' } = options;
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await natsTransport(options);
    } catch (error) {
      if (!(error instanceof GraftError) || error.code !== 'BROKER_UNREACHABLE') throw error;
      const fault = certificateFault(error, { server: 'the broker', client: site });
      if (fault) throw fault;
      if (attempt % 20 === 2) tell({ kind: 'note', text: `${error.message} It is tried again until it answers.` });
    }
    const pause = Math.min(LONG, SHORT * 2 ** Math.min(attempt, 10));
    await setTimeout(pause, undefined, { signal }).catch(() => {});
  }
  tell({ kind: 'note', text: `${servers.join(', ')} did not answer.` });
  return undefined;
}
