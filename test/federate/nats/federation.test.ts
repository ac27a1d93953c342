/** Whole federations, sealed, over a broker: the same bits as within one process, also if the broker loses everything in a round. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  Coordinator,
  FederatedSite,
  type FederationEvent,
  folderStore,
  type NatsTransport,
  sealedCoordinator,
  sealedSite,
} from '../../../src/federate/index.js';
import { merge } from '../../../src/federate/streams.js';
import { keyPair } from '../sealing/parties.js';
import { configOf, newFolder, of, regression, run } from '../small.js';
import { newFederation, peer } from './peers.js';
import { describeWithBroker, TestBroker } from './server.js';

type Event = FederationEvent<{ loss: number }>;

const twoSites = () => regression({ sites: ['a', 'b'] });

/** Runs a coordinator and sites, each with a network and a sealed connection of its own. */
async function runOver(
  broker: TestBroker,
  config: ReturnType<typeof configOf>,
  disturb: (event: Event) => Promise<void> = async () => {},
): Promise<Event[]> {
  const { base, initial, sites: members } = twoSites();
  const federation = newFederation();
  const connect = (site?: string): Promise<NatsTransport> =>
    peer({ servers: [broker.address], federation, site, patience: 20 });
  const [own, keys] = [keyPair(), { a: keyPair(), b: keyPair() }];
  const publicKeys = Object.fromEntries(Object.entries(keys).map(([name, { publicKey }]) => [name, publicKey]));
  using coordinator = new Coordinator({
    ...{ folder: newFolder(), config, plan: 'lora', base, initial, sites: ['a', 'b'] },
    transport: sealedCoordinator(await connect(), { federation, key: own.privateKey, sites: publicKeys }),
  });
  const end = new AbortController();
  const sites = await Promise.all(
    members.map(async ({ name }, k) =>
      new FederatedSite({
        name,
        trainer: twoSites().sites[k].trainer,
        transport: sealedSite(await connect(name), {
          ...{ federation, site: name, key: keys[name as 'a' | 'b'].privateKey, coordinator: own.publicKey },
        }),
        store: folderStore(newFolder()),
        coordinator: coordinator.publicKey,
      }).run(end.signal),
    ),
  );
  const events: Event[] = [];
  try {
    for await (const event of merge<Event>([coordinator.run(end.signal), ...sites])) {
      events.push(event);
      await disturb(event);
      if (event.kind === 'finished') break;
    }
  } finally {
    end.abort();
  }
  return events;
}

describeWithBroker('a sealed federation over a broker', () => {
  const within = async (config: ReturnType<typeof configOf>) =>
    of(await run(newFolder(), config, { regression: twoSites() }), 'finished')[0].fingerprint;

  let broker: Promise<TestBroker> | undefined;
  it.each(['mean', 'fedex', 'rolora'])('ends with the bits of one within a process: %s', async (aggregation) => {
    const config = configOf({ aggregation, wire: 'int8' });
    broker ??= TestBroker.start();
    const events = await runOver(await broker, config);
    expect(of(events, 'failed')).toEqual([]);
    expect(of(events, 'finished')[0].fingerprint).toBe(await within(config));
  });

  it.each(['round', 'trained', 'accepted'] as const)(
    'ends with the same bits when the broker is killed and its store is emptied at “%s”',
    async (moment) => {
      const config = configOf({ rounds: 3 });
      const broker = await TestBroker.start();
      let done = 0;
      const events = await runOver(broker, config, async ({ kind }) => {
        if (kind !== moment || done >= 2) return;
        done++;
        await broker.restart({ wiped: true });
      });
      expect(done).toBe(2);
      expect([of(events, 'failed'), of(events, 'refused'), of(events, 'rejected')]).toEqual([[], [], []]);
      expect(of(events, 'trained').length).toBe(6);
      expect(of(events, 'finished')[0].fingerprint).toBe(await within(config));
    },
  );
});

it('loads the client of the broker only when a transport over it is made', () => {
  const folder = join(import.meta.dirname, '../../../src/federate/transports/nats');
  for (const file of readdirSync(folder))
    expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/^import (?!type )[^;]* from '(@nats-io[/]|ws')/m);
});
