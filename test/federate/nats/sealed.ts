/** A small sealed federation over a broker, and what the same one gives within a process. */
import {
  Coordinator,
  FederatedSite,
  type Federation,
  type FederationEvent,
  folderStore,
  type NatsTransport,
  sealedCoordinator,
  sealedSite,
} from '../../../src/federate/index.js';
import { merge } from '../../../src/federate/streams.js';
import { keyPair } from '../sealing/parties.js';
import { newFolder, of, regression, run } from '../small.js';
import { newFederation, peer } from './peers.js';

type Event = FederationEvent<{ loss: number }>;

const twoSites = () => regression({ sites: ['a', 'b'] });

/** The fingerprint that it ends with in one process. */
export const fingerprintWithin = async (config: Federation): Promise<string> =>
  of(await run(newFolder(), config, { regression: twoSites() }), 'finished')[0].fingerprint;

/** Runs a coordinator and sites, each with a network and a sealed connection of its own. */
export async function runOver(
  broker: { address: string },
  config: Federation,
  { disturb = async () => {}, silence }: { disturb?: (event: Event) => Promise<void>; silence?: number } = {},
): Promise<Event[]> {
  const { base, initial, sites: members } = twoSites();
  const federation = newFederation();
  const connect = (site?: string): Promise<NatsTransport> =>
    peer({ servers: [broker.address], federation, site, patience: 20, silence });
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
