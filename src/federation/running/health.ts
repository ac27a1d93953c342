/** Whether a coordinator or a site is well, for whatever watches the machine: two pages on a loopback port. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { FederationStatus } from './status.js';

/**
 * Serves `/healthz` (200, or 503 while the broker is away) and `/metrics` in Prometheus' text format, version 0.0.4.
 *
 * @param now.connected whether the broker is there
 * @param now.metrics as `metricsOf…` below give them
 */
export async function serveHealth(
  port: number,
  now: { connected: () => boolean; metrics: () => string },
): Promise<AsyncDisposable> {
  const server = createServer(({ url }, response) => {
    const send = (code: number, text: string) =>
      response.writeHead(code, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
    if (url === '/metrics') send(200, now.metrics());
    else if (url !== '/healthz') send(404, 'There are /healthz and /metrics.\n');
    else if (now.connected()) send(200, 'ok\n');
    else send(503, 'the broker is away\n');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

type Samples = [labels: string, value: number][];

function metric(name: string, type: 'gauge' | 'counter', help: string, samples: Samples): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

const one = (value: number): Samples => [['', value]];

/** What a site is about. */
export interface SiteStanding {
  connected: boolean;
  /** Of training; 0 before the first. */
  round: number;
  training: boolean;
  /** Rounds that were trained since the program began, and bytes to and from the broker. */
  trained: number;
  moved: number;
}

export const metricsOfSite = ({ connected, round, training, trained, moved }: SiteStanding): string =>
  [
    metric('graft_broker_connected', 'gauge', '0 while the broker is away.', one(Number(connected))),
    metric('graft_round', 'gauge', 'Round that was trained last, or is being trained.', one(round)),
    metric('graft_training', 'gauge', '1 while a round is being trained.', one(Number(training))),
    metric('graft_rounds_trained_total', 'counter', 'Rounds that were trained.', one(trained)),
    metric('graft_bytes_total', 'counter', 'Bytes to and from the broker.', one(moved)),
  ].join('');

export function metricsOfCoordinator({ done, rounds, paused, broker, open, sites }: FederationStatus): string {
  const bySite = (of: (site: FederationStatus['sites'][number]) => number | undefined): Samples =>
    sites.flatMap((site) => {
      const value = of(site);
      return value === undefined ? [] : [[`{site="${site.name}"}`, value]];
    });
  return [
    metric('graft_rounds_done', 'gauge', 'Rounds that are aggregated.', one(done)),
    metric('graft_rounds', 'gauge', 'Rounds in all.', one(rounds)),
    metric('graft_paused', 'gauge', '1 while no further round is begun.', one(Number(paused))),
    metric('graft_broker_connected', 'gauge', '0 while the broker is away.', one(Number(broker === 'connected'))),
    metric('graft_round_sites', 'gauge', 'Sites of the round under way.', one(open?.chosen.length ?? 0)),
    metric('graft_round_updates', 'gauge', 'Updates that the round under way has.', one(open?.accepted.length ?? 0)),
    metric(
      'graft_updates_total',
      'counter',
      'Updates that were taken.',
      bySite(({ accepted }) => accepted),
    ),
    metric(
      'graft_not_taken_total',
      'counter',
      'Updates that were not taken.',
      bySite(({ refused }) => refused),
    ),
    metric(
      'graft_bytes_total',
      'counter',
      'Bytes to and from a site in rounds.',
      bySite(({ moved }) => moved),
    ),
    metric(
      'graft_site_seen_timestamp_seconds',
      'gauge',
      'When a site was last heard.',
      bySite(({ seen }) => (seen ? Date.parse(seen.heard) / 1000 : undefined)),
    ),
  ].join('');
}
