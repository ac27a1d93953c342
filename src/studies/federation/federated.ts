/** The federated regime: rounds between the sites of a run, and what they leave in the end. */
import { rmSync } from 'node:fs';
import { runWithPauses } from '../../core/index.js';
import {
  damageOf,
  type Entry,
  FederatedNetwork,
  type FederationEvent,
  type KeptRound,
  keptDamageOf,
  ledgerFile,
  RoundKeeper,
  readLedger,
  runFederation,
  type SiteStep,
  SiteTrainer,
} from '../../federate/index.js';
import type { JobEvent } from '../../jobs/index.js';
import { countElements } from '../../nn/index.js';
import type { Segmenter } from '../../segmenter/index.js';
import type { FederationRecipe, Variant } from './recipe.js';
import type { LoadedSite } from './sites.js';

export interface FederatedJob {
  task: string;
  model: Segmenter;
  sites: readonly LoadedSite[];
  variant: Variant;
  keep: FederationRecipe['keep'];
  seed: number;
  /** Of the coordinator and the sites; gone on with where it is there. */
  folder: string;
}

export interface Federated {
  kept: KeptRound;
  trained: number;
  travelling: number;
  /** Sites that were not there from the start, each with the last round without it. */
  joined: string[];
}

/** Runs the rounds, or those that are left; the model is left as it was. */
export async function* federate(job: FederatedJob): AsyncGenerator<JobEvent, Federated> {
  const { task, model, sites, variant, keep, seed, folder } = job;
  const { plan, federation } = variant;
  const damage = damageOf(folder) ?? keptDamageOf(folder, federation.rounds, keep);
  if (damage) {
    yield { kind: 'note', text: `${damage.file} cannot be gone on from (${damage.reason}): ${task} begins anew` };
    rmSync(folder, { recursive: true, force: true });
  }
  using network = new FederatedNetwork(model, variant, seed);
  const members: { name: string; trainer: SiteTrainer }[] = [];
  try {
    for (const site of sites) members.push({ name: site.name, trainer: new SiteTrainer(network, site, seed) });
    const keeper = new RoundKeeper({ folder, network, sites, keep });
    const events = runFederation({
      ...{ folder, plan, base: network.base, initial: network.planned.travelling, sites: members },
      config: { ...federation, seed },
      // The run's folder has judged whether its recipe may ask for more.
      extend: true,
      evaluate: (global, round, corrections, signal) => runWithPauses(keeper.look(global, round, corrections), signal),
    });
    yield { kind: 'task', name: task };
    const steps = members.reduce((sum, { trainer }) => sum + trainer.steps, 0);
    yield* progress(task, events, steps * federation.rounds, steps);
    const [trained, travelling] = [network.planned.trained, network.planned.travelling].map((state) =>
      countElements(state.values()),
    );
    return { kept: keeper.result(), trained, travelling, joined: joinedLater(readLedger(ledgerFile(folder))) };
  } finally {
    for (const { trainer } of members) trainer[Symbol.dispose]();
  }
}

function joinedLater(entries: readonly Entry[]): string[] {
  let round = 0;
  return entries.flatMap((entry) => {
    if (entry.kind === 'aggregated') round = entry.round;
    return entry.kind === 'extended' ? entry.joined.map((site) => `${site} after round ${round}`) : [];
  });
}

/** A federation's events as progress and records. @param perRound steps of all sites in a round */
async function* progress(
  task: string,
  events: AsyncGenerator<FederationEvent<SiteStep>>,
  total: number,
  perRound: number,
): AsyncGenerator<JobEvent, void> {
  let [round, done] = [1, 0];
  for await (const event of events) {
    if (event.kind === 'pause') yield event;
    else if (event.kind === 'round') [round, done] = [event.round, 0];
    else if (event.kind === 'progress') {
      done++;
      yield { kind: 'step', done: (round - 1) * perRound + done, total, values: { loss: event.progress.loss } };
    } else if (event.kind === 'aggregated') {
      const { metrics, error, down, up, weights } = event;
      yield {
        kind: 'record',
        record: { kind: 'round', round: event.round, values: metrics, error, down, up, weights },
      };
      const parts = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(3)}`);
      const moved = `${((down + up) / 1e6).toPrecision(3)} MB`;
      yield { kind: 'note', text: `${task}, round ${event.round} of ${event.rounds}: ${[...parts, moved].join(', ')}` };
    } else if (event.kind === 'accepted') {
      const { at: _, blob: __, ...record } = event;
      yield { kind: 'record', record };
    } else if ('site' in event && event.kind !== 'trained' && event.kind !== 'registered') {
      yield { kind: 'record', record: event };
      const reason = 'reason' in event ? `: ${event.reason}` : '';
      const when = 'round' in event ? `, round ${event.round}` : '';
      yield { kind: 'note', text: `${task}${when}: ${event.site} ${event.kind}${reason}` };
    }
  }
  yield { kind: 'done', name: task };
}
