/** Federated fine-tuning in one process: rounds between sites, and the adapters that they leave. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  changesBetween,
  errorsOf,
  runWithPauses,
  sealedJson,
  tellChanges,
  unsealedJson,
  writeFileAtomic,
} from '../core/index.js';
import {
  damageOf,
  type Entry,
  FederatedNetwork,
  type Federation,
  type FederationEvent,
  federateErrors,
  type KeptRound,
  keptDamageOf,
  ledgerFile,
  type PeerSettings,
  RoundKeeper,
  readLedger,
  runFederation,
  type SiteStep,
  SiteTrainer,
} from '../federate/index.js';
import { precisionRemark } from '../finetune/index.js';
import { countElements, type State } from '../nn/index.js';
import { type Adapter, profileOfCases, type Segmenter } from '../segmenter/index.js';
import type { LoadedSite } from './sites.js';
import { type JobEvent, namesOf } from './train-adapt.js';

const federateError = errorsOf(federateErrors);

export interface FederationJob {
  task: string;
  /** Of the adapters. */
  name: string;
  model: Segmenter;
  sites: readonly LoadedSite[];
  settings: Omit<PeerSettings, 'config'> & { federation: Omit<Federation, 'seed'> };
  /** The round that the adapters are of. */
  keep: 'last' | 'best';
  seed: number;
  /** Of the coordinator and the sites; gone on with where it is there, also for more rounds than it was begun with. */
  folder: string;
}

export interface Federated {
  /** One for all sites (null), or one for each where some of it never leaves a site. */
  adapters: { site: string | null; adapter: Adapter }[];
  /** Numbers of trained parameters, and of those that are exchanged in a round. */
  trained: number;
  travelling: number;
  /** The round, from 1. */
  kept: number;
}

/**
 * Simulates a federation of all sites in one process: runs the rounds, or those that are left. The model is left as it was.
 *
 * @returns the adapters and the round that was kept, the generator's last value
 * @throws GraftError as `runFederation`
 */
export async function* federateModel(job: FederationJob): AsyncGenerator<JobEvent, Federated> {
  const { name, model, sites, settings, seed } = job;
  const { kept, trained, travelling, joined } = yield* rounds(job);
  const { family, preparation, classes, fingerprint: base } = model;
  const { plan: method, adapter: options } = settings;
  const adapterOf = (state: State): Adapter => ({
    ...{ name, family: family.name, method, options, base, ...preparation, classes, state },
    provenance: {
      ...{ data: sites.map((site) => site.name).join(', '), seed: String(seed), rounds: String(kept.round) },
      ...(joined.length > 0 && { joined: joined.join(', ') }),
    },
  });
  const apart = Object.entries(kept.sites).map(([site, state]) => ({ site, adapter: adapterOf(state) }));
  const adapters: Federated['adapters'] = apart.length > 0 ? apart : [{ site: null, adapter: adapterOf(kept.shared) }];
  for (const { site, adapter } of adapters) {
    const seen = sites.filter((one) => site === null || one.name === site);
    model.use(adapter);
    try {
      adapter.profile = yield* profileOfCases(
        model,
        seen.flatMap(({ train, validation }) => [...train, ...validation]),
      );
    } finally {
      model.use(undefined);
    }
  }
  return { adapters, trained, travelling, kept: kept.round };
}

interface Rounds {
  kept: KeptRound;
  trained: number;
  travelling: number;
  /** Sites that were not there from the start, each with the last round without it. */
  joined: string[];
}

async function* rounds(job: FederationJob): AsyncGenerator<JobEvent, Rounds> {
  const { task, model, sites, settings, keep, seed, folder } = job;
  const { plan, federation } = settings;
  const config = { ...federation, seed };
  const damage = damageOf(folder) ?? keptDamageOf(folder, federation.rounds, keep);
  if (damage) {
    yield { kind: 'note', text: `${damage.file} cannot be gone on from (${damage.reason}): ${task} begins anew` };
    rmSync(folder, { recursive: true, force: true });
  }
  keepTold(job);
  using network = new FederatedNetwork(model, { ...settings, config });
  const members: { name: string; trainer: SiteTrainer }[] = [];
  try {
    for (const site of sites) members.push({ name: site.name, trainer: new SiteTrainer(network, site) });
    const keeper = new RoundKeeper({ folder, network, sites, keep });
    const events = runFederation({
      ...{ folder, plan, base: network.base, initial: network.planned.travelling, sites: members },
      config,
      extend: true,
      evaluate: (global, round, corrections, signal) => runWithPauses(keeper.look(global, round, corrections), signal),
    });
    const remark = precisionRemark(settings.training, model.device);
    if (remark) yield { kind: 'note', text: remark };
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

/** What of the sites' training the coordinator's ledger does not know; more sites may join. */
interface Told {
  training: object;
  /** Names of the cases. */
  sites: Record<string, { train: string[]; validation: string[] }>;
}

/**
 * Notes in the folder on what the sites train, and how; earlier versions left no such note.
 *
 * @throws GraftError FEDERATION_CHANGED where the folder is of other cases or settings
 */
function keepTold({ folder, model, sites, settings }: FederationJob): void {
  const file = join(folder, 'training.json');
  const casesOf = (slices: LoadedSite['train']) => namesOf([...new Set(slices.map((one) => one.case))]);
  const { adapter, training } = settings;
  const now: Told = {
    training: { adapter, ...training, preprocessing: model.preprocessing, windows: model.windows },
    sites: Object.fromEntries(
      sites.map(({ name, train, validation }) => [name, { train: casesOf(train), validation: casesOf(validation) }]),
    ),
  };
  const before = readTold(file);
  if (before) {
    const { training, sites } = JSON.parse(JSON.stringify(now)) as Told;
    const known = Object.fromEntries(Object.entries(sites).filter(([name]) => Object.hasOwn(before.sites, name)));
    const changes = changesBetween(before, { training, sites: known });
    if (changes.length > 0)
      throw federateError('FEDERATION_CHANGED', { folder, changed: tellChanges(changes, 'the folder') });
  }
  mkdirSync(folder, { recursive: true });
  writeFileAtomic(file, sealedJson(now));
}

/** Undefined also where the note is damaged: it is written again. */
function readTold(file: string): Told | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return unsealedJson<Told>(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
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
        record: { kind: 'round', round: event.round, rounds: event.rounds, values: metrics, error, down, up, weights },
      };
      const parts = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(3)}`);
      const moved = `${((down + up) / 1e6).toPrecision(3)} MB`;
      yield { kind: 'note', text: `${task}, round ${event.round} of ${event.rounds}: ${[...parts, moved].join(', ')}` };
    } else if (event.kind === 'accepted') {
      const { at: _, blob: __, ...record } = event;
      yield { kind: 'record', record };
    } else if ('site' in event && !isRoutine(event)) {
      yield { kind: 'record', record: event };
      const reason = 'reason' in event ? `: ${event.reason}` : '';
      const when = 'round' in event ? `, round ${event.round}` : '';
      yield { kind: 'note', text: `${task}${when}: ${event.site} ${event.kind}${reason}` };
    }
  }
}

type Routine = Extract<FederationEvent, { kind: 'trained' | 'registered' | 'asked' | 'sends' }>;
const isRoutine = (event: FederationEvent): event is Routine =>
  ['trained', 'registered', 'asked', 'sends'].includes(event.kind);
