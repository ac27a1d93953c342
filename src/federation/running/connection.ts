/** How the programs of a study reach its broker: its addresses, and patience until it is there. */
import { setTimeout } from 'node:timers/promises';
import { GraftError } from '../../core/index.js';
import {
  type ConnectionOptions,
  type NatsOptions,
  type NatsTransport,
  natsTransport,
  type TlsFiles,
} from '../../federate/index.js';
import { federationError } from '../errors.js';
import type { Study } from '../study.js';
import { certificateFault } from '../verification.js';
import type { Tell } from './told.js';

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
