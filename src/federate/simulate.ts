/**
 * A whole federation in one process: the coordinator and all sites over the local transport. A site's tensors lie in its
 * folder between its turns, so memory does not grow with the number of sites.
 *
 * The folder holds `coordinator/` (ledger and global states), `sites/NAME/` and `blobs/` (what is under way). A run that was
 * ended or killed at any moment goes on from its folder and ends with the same bits, given the same machine and threads.
 */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { nameFault, type Pause, pause, shownName } from '../core/index.js';
import type { State } from '../nn/index.js';
import type { Clock } from './clock.js';
import type { Federation } from './config.js';
import { Coordinator, type CoordinatorOptions } from './coordinator.js';
import { damageOf } from './damage.js';
import { federateError } from './errors.js';
import type { FederationEvent } from './events.js';
import { coordinatorFolder, siteFolder } from './places.js';
import { FederatedSite } from './site.js';
import { folderStore } from './store.js';
import { merge, Turns } from './streams.js';
import type { LocalTrainer } from './trainer.js';
import { localTransport } from './transports/local.js';

export interface FederationOptions<Progress> {
  folder: string;
  config: Federation;
  /** Name of the training plan. */
  plan: string;
  /** Fingerprint of the frozen network, the same that the trainers have. */
  base: string;
  /** What travels, at its initial values. */
  initial: State;
  sites: readonly { name: string; trainer: LocalTrainer<Progress> }[];
  /** As the coordinator's: more rounds, further sites. */
  extend?: boolean;
  /**
   * Scores the global state after every round. No site trains meanwhile, so it may use the network that they share. It
   * ends with an error of the signal's as soon as that is aborted.
   */
  evaluate?: (...round: [...Parameters<Evaluate>, signal: AbortSignal]) => ReturnType<Evaluate>;
  /** Ends the run at the next safe point. */
  signal?: AbortSignal;
  clock?: Clock;
  /** As the coordinator's. */
  computation?: CoordinatorOptions['computation'];
}

type Evaluate = NonNullable<CoordinatorOptions['evaluate']>;

/**
 * Runs a federation, or goes on with the one in the folder. The last event is `finished`, unless the signal ended the run.
 *
 * @throws GraftError SITE_TWICE, SITE_NAME_INVALID, FEDERATION_CHANGED, FEDERATION_DAMAGED, TOO_FEW_SITES, … and what trainers throw that is
 * no failure of a site
 */
export async function* runFederation<Progress>({
  folder,
  sites,
  signal,
  evaluate,
  ...options
}: FederationOptions<Progress>): AsyncGenerator<FederationEvent<Progress>> {
  const names = sites.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw federateError('SITE_TWICE', { site: twice });
  for (const name of names) {
    const reason = nameFault(name);
    if (reason) throw federateError('SITE_NAME_INVALID', { site: shownName(name), reason });
  }

  const damage = damageOf(folder);
  if (damage) throw federateError('FEDERATION_DAMAGED', { ...damage, folder });
  const transport = localTransport({ blobs: folderStore(join(folder, 'blobs'), { durable: false }) });
  const turns = new Turns();
  const end = new AbortController();
  setMaxListeners(0, end.signal); // every site listens
  using coordinator = new Coordinator({
    ...options,
    folder: coordinatorFolder(folder),
    sites: names,
    transport,
    evaluate:
      evaluate &&
      (async (...round) => {
        using _turn = await turns.take();
        return evaluate(...round, end.signal);
      }),
  });
  const members = sites.map(
    ({ name, trainer }) =>
      new FederatedSite({
        ...{ name, trainer, transport, turns, store: folderStore(siteFolder(folder, name)) },
        coordinator: coordinator.publicKey,
      }),
  );
  coordinator.correct((round, corrections) => {
    for (const { trainer } of sites) trainer.correct?.(round, corrections);
  });
  const stop = () => end.abort();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const machines = [coordinator.run(end.signal), ...members.map((site) => site.run(end.signal)), pauses(end.signal)];
  try {
    for await (const event of merge<FederationEvent<Progress>>(machines)) {
      yield event;
      if (event.kind === 'finished') return;
    }
  } finally {
    stop();
    signal?.removeEventListener('abort', stop);
    await Promise.allSettled(machines.map((machine) => machine.return(undefined)));
  }
}

/** Between two pauses while everyone waits for one another, in ms. */
const BREATH = 200;

/** Pauses at the clock's pace, until the signal. */
async function* pauses(signal: AbortSignal): AsyncGenerator<Pause> {
  try {
    for await (const _ of setInterval(BREATH, undefined, { signal })) yield pause;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
