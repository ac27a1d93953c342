/** The federated regime: rounds between the sites of a run, and what they leave in the end. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Pausing, runWithPauses } from '../../core/index.js';
import {
  type Correction,
  type Damage,
  damageOf,
  type Entry,
  type FederationEvent,
  folderStore,
  ledgerFile,
  localOf,
  type Metrics,
  personalOf,
  readLedger,
  runFederation,
  siteFolder,
} from '../../federate/index.js';
import { checkSafetensors, readMetadata } from '../../formats/index.js';
import type { JobEvent } from '../../jobs/index.js';
import {
  countElements,
  disposeState,
  joinStates,
  partOf,
  pick,
  readState,
  type State,
  type TrainingEvent,
  writeState,
} from '../../nn/index.js';
import { type Segmenter, validate } from '../../segmenter/index.js';
import { SharedNetwork } from './network.js';
import type { FederationRecipe, Variant } from './recipe.js';
import type { LoadedSite } from './sites.js';
import { SiteTrainer } from './trainer.js';

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
  /** The round that was kept. */
  kept: number;
  /** Values by the network's names. A site has more than the others where some of it never leaves the site. */
  shared: State;
  sites: Record<string, State>;
  trained: number;
  travelling: number;
  /** Sites that were not there from the start, each with the last round without it. */
  joined: string[];
}

/** Runs the rounds, or those that are left; the model is left as it was. */
export async function* federate(job: FederatedJob): AsyncGenerator<JobEvent, Federated> {
  const { task, model, sites, variant, seed, folder } = job;
  const { plan, federation } = variant;
  const damage = damageOf(folder) ?? keptDamage(job);
  if (damage) {
    yield { kind: 'note', text: `${damage.file} cannot be gone on from (${damage.reason}): ${task} begins anew` };
    rmSync(folder, { recursive: true, force: true });
  }
  using network = new SharedNetwork(model, variant, seed);
  const members: { name: string; trainer: SiteTrainer }[] = [];
  try {
    for (const site of sites) members.push({ name: site.name, trainer: new SiteTrainer(network, site, seed) });
    const keeper = new Keeper(job, network);
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
    return { ...keeper.result(), trained, travelling, joined: joinedLater(readLedger(ledgerFile(folder))) };
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

const keptFile = (folder: string) => join(folder, 'kept.safetensors');

/** What is wrong with the round that was kept. */
function keptDamage({ folder, keep, variant }: FederatedJob): Damage | undefined {
  const file = keptFile(folder);
  const ledger = ledgerFile(folder);
  const done = existsSync(ledger) ? readLedger(ledger).filter(({ kind }) => kind === 'aggregated').length : 0;
  if (!existsSync(file))
    return done === variant.federation.rounds || (keep === 'best' && done > 0)
      ? { file, reason: 'it is missing' }
      : undefined;
  return checkSafetensors(file) === 'damaged' ? { file, reason: 'its content is not what was written' } : undefined;
}

/** Scores every round and keeps the best or the last, on the disk before the round is over. */
class Keeper {
  readonly #job: FederatedJob;
  readonly #network: SharedNetwork;
  readonly #file: string;

  constructor(job: FederatedJob, network: SharedNetwork) {
    this.#job = job;
    this.#network = network;
    this.#file = keptFile(job.folder);
  }

  /** Dice of every site on its validation cases, with what stays at the site. */
  look(global: State, round: number, corrections: readonly Correction[]): Pausing<Metrics> {
    return this.#network.corrected(corrections, this.#score(global, round));
  }

  *#score(global: State, round: number): Pausing<Metrics> {
    const { sites, model, keep, variant } = this.#job;
    const network = this.#network;
    const metrics: Metrics = {};
    const own = sites.map((site) => [site, this.#ownOf(site.name)] as const);
    try {
      for (const [{ name, validation }, values] of own) {
        network.load(new Map([...global, ...values]));
        if (validation.length > 0) metrics[`dice at ${name}`] = (yield* validate(model, validation)).dice;
      }
      const seen = Object.values(metrics);
      const mean = seen.reduce((a, b) => a + b, 0) / seen.length;
      if (keep === 'best' ? this.#isBest(mean, round) : round === variant.federation.rounds) {
        network.load(global);
        const parts = own.map(([{ name }, values]) => [`site ${name}`, values] as const);
        const state = joinStates({ shared: network.snapshot(), ...Object.fromEntries(parts) });
        writeState(this.#file, state, { round: String(round), dice: String(mean) });
      }
      return seen.length > 0 ? { dice: mean, ...metrics } : {};
    } finally {
      for (const [, values] of own) disposeState(values);
    }
  }

  /** Also after a crash in this very round. */
  #isBest(dice: number, round: number): boolean {
    if (!existsSync(this.#file)) return true;
    const metadata = readMetadata(this.#file);
    return Number(metadata.round) === round || dice > Number(metadata.dice);
  }

  /** The trained tensors that never leave a site, as it has them. */
  #ownOf(site: string): State {
    const store = folderStore(siteFolder(this.#job.folder, site));
    const local = localOf(store);
    disposeState(pick(local, (name) => !name.startsWith('own/')));
    return new Map([...personalOf(store), ...partOf(local, 'own/')]);
  }

  result(): Pick<Federated, 'kept' | 'shared' | 'sites'> {
    const { state, metadata } = readState(this.#file);
    const shared = partOf(state, 'shared/');
    const owns = this.#job.sites.map(({ name }) => [name, partOf(state, `site ${name}/`)] as const);
    const sites = owns.flatMap(([name, own]) => (own.size > 0 ? [[name, new Map([...shared, ...own])]] : []));
    return { kept: Number(metadata.round), shared, sites: Object.fromEntries(sites) };
  }
}

type Step = Extract<TrainingEvent, { kind: 'step' }>;

/** A federation's events as progress and records. @param perRound steps of all sites in a round */
async function* progress(
  task: string,
  events: AsyncGenerator<FederationEvent<Step>>,
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
