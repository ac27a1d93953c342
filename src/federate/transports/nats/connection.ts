/**
 * How a peer connects to the broker: addresses, certificates, and how long it tries.
 *
 * The client library cannot use TCP and WebSockets in one process.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { federateError } from '../../errors.js';
import { checkAddresses, checkFiles, checkServer, identityOf } from './addresses.js';
import type { ConnectionOptions } from './peer.js';
import { inboxOf } from './places.js';
import { webSocketFactory } from './websocket.js';

/** Between attempts, in ms: doubled from the first to the longest. */
const FIRST = 100;
const LONGEST = 15_000;
/** Milliseconds before the next attempt, partly random, so that peers do not all return at once. */
export const waitOf = (attempt: number): number =>
  Math.min(LONGEST, FIRST * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
/** Time limit of an attempt, in ms. A broker that rejects a certificate does not answer. */
const DIAL = 10_000;
/** Default of `silence`, in seconds, and how many times the broker is asked in that time. */
const SILENCE = 60;
const PINGS = 4;

/**
 * Connects. The first attempt must succeed, so that a mistake in the options shows; later ones continue for ever.
 *
 * @throws GraftError BROKER_ADDRESS_INVALID, BROKER_INSECURE, CERTIFICATE_MISSING, SECRET_EXPOSED, BROKER_UNREACHABLE,
 * BROKER_REFUSED, BROKER_UNSUITED
 */
export async function connect(options: ConnectionOptions): Promise<NatsConnection> {
  const { servers, federation, site, tls, proxy, silence = SILENCE } = options;
  const web = checkAddresses(servers, tls, proxy);
  if (tls) checkFiles(tls);
  const nats = await import('@nats-io/transport-node');
  let attempts = 0;
  const common = {
    ...{ servers: [...servers], name: site ?? 'coordinator', inboxPrefix: inboxOf(federation, site) },
    ...{ maxReconnectAttempts: -1, reconnectDelayHandler: () => waitOf(attempts), ignoreClusterUpdates: true },
    ...{ timeout: DIAL, pingInterval: (silence * 1000) / PINGS, maxPingOut: PINGS - 1, noAsyncTraces: true },
  };
  const files = tls && { caFile: tls.ca, certFile: tls.certificate, keyFile: tls.key };
  const encrypted = files && { tls: { ...files, checkServerIdentity: identityOf(servers) } };
  let client: NatsConnection;
  try {
    client = web
      ? await nats.wsconnect({ ...common, wsFactory: await webSocketFactory(tls, proxy) })
      : await nats.connect({ ...common, ...encrypted });
  } catch (error) {
    const reason = reasonOf(error);
    if ((error as Error).name === 'AuthorizationError') throw federateError('BROKER_REFUSED', { reason }, error);
    throw federateError('BROKER_UNREACHABLE', { servers: servers.join(', '), reason }, error);
  }
  try {
    checkServer(client.info!);
  } catch (error) {
    await client.close();
    throw error;
  }
  (async () => {
    for await (const { type } of client.status())
      if (type === 'reconnecting') attempts++;
      else if (type === 'reconnect') attempts = 0;
      else if (type === 'staleConnection') abandon(client);
  })();
  return client;
}

/**
 * Closes a silent connection at once. The client itself first waits until everything is sent, which never happens on a line
 * that takes no more bytes, and so does its `reconnect()`; its `close()` ends it for good. Its types do not show what is
 * between the two (nats-core 3.4).
 */
function abandon(client: NatsConnection): void {
  const { transport } = (client as unknown as { protocol: { transport: { close(why: Error): Promise<void> } } })
    .protocol;
  transport.close(new Error('the broker does not answer')).catch(() => {});
}

/** The client's errors say little; their causes say more. */
export function reasonOf(error: unknown): string {
  const texts: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause)
    if (!texts.includes(one.message)) texts.push(one.message);
  return texts.filter((text) => text !== '').join(': ') || String(error);
}
