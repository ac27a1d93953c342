/**
 * The keeper of a federation in one folder: it scores every global state at all sites, and writes the network of the last
 * round, or of the best one, to a file before the round is over.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Pausing } from '../../core/index.js';
import type { CaseSlices } from '../../data/index.js';
import { checkSafetensors, readMetadata } from '../../formats/index.js';
import { disposeState, joinStates, partOf, pick, readState, type State, writeState } from '../../nn/index.js';
import { validate } from '../../segmenter/index.js';
import type { Correction } from '../aggregation/index.js';
import type { Damage } from '../damage.js';
import { readLedger } from '../ledger.js';
import { localOf, personalOf } from '../memory.js';
import { ledgerFile, siteFolder } from '../places.js';
import { folderStore } from '../store.js';
import type { Metrics } from '../trainer.js';
import type { FederatedNetwork } from './network.js';

export interface KeeperOptions {
  /** Of the federation, as `runFederation` takes it. */
  folder: string;
  network: FederatedNetwork;
  /** Validation cases may be empty. */
  sites: readonly { name: string; validation: readonly CaseSlices[] }[];
  /** `best`: the round with the highest mean over the sites of their Dice on validation cases. */
  keep: 'last' | 'best';
}

export interface KeptRound {
  /** From 1. */
  round: number;
  /** What makes the network of this round out of its base: values by the network's names. */
  shared: State;
  /** The same with what never leaves a site, for every site that has such tensors. */
  sites: Record<string, State>;
}

export class RoundKeeper {
  readonly #options: KeeperOptions;
  readonly #file: string;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#file = keptFile(options.folder);
  }

  /**
   * Scores a round's global state, and keeps it where it is the one to be kept.
   *
   * @param corrections what this round adds to frozen weights
   * @returns `dice`, the mean over the sites, and `dice at SITE`; nothing without validation cases
   */
  look(global: State, round: number, corrections: readonly Correction[]): Pausing<Metrics> {
    return this.#options.network.corrected(corrections, this.#score(global, round));
  }

  *#score(global: State, round: number): Pausing<Metrics> {
    const { sites, network, keep } = this.#options;
    const metrics: Metrics = {};
    const own = sites.map((site) => [site, this.#ownOf(site.name)] as const);
    try {
      for (const [{ name, validation }, values] of own) {
        network.load(new Map([...global, ...values]));
        if (validation.length > 0) metrics[`dice at ${name}`] = (yield* validate(network.model, validation)).dice;
      }
      const seen = Object.values(metrics);
      const mean = seen.reduce((a, b) => a + b, 0) / seen.length;
      if (keep === 'best' ? this.#isBest(mean, round) : round === network.settings.config.rounds) {
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
    const store = folderStore(siteFolder(this.#options.folder, site));
    const local = localOf(store);
    disposeState(pick(local, (name) => !name.startsWith('own/')));
    return new Map([...personalOf(store), ...partOf(local, 'own/')]);
  }

  /** The kept round, from its file, after the last round. @throws GraftError FILE_NOT_FOUND, SAFETENSORS_DAMAGED */
  result(): KeptRound {
    const { state, metadata } = readState(this.#file);
    const shared = partOf(state, 'shared/');
    const owns = this.#options.sites.map(({ name }) => [name, partOf(state, `site ${name}/`)] as const);
    const sites = owns.flatMap(([name, own]) => (own.size > 0 ? [[name, new Map([...shared, ...own])]] : []));
    return { round: Number(metadata.round), shared, sites: Object.fromEntries(sites) };
  }
}

const keptFile = (folder: string) => join(folder, 'kept.safetensors');

/**
 * What is wrong with the file of the round that was kept, beside what `damageOf` finds.
 *
 * @param rounds that the federation is to have
 * @returns undefined where it is whole, or nothing has to be there yet
 */
export function keptDamageOf(folder: string, rounds: number, keep: KeeperOptions['keep']): Damage | undefined {
  const file = keptFile(folder);
  const ledger = ledgerFile(folder);
  const done = existsSync(ledger) ? readLedger(ledger).filter(({ kind }) => kind === 'aggregated').length : 0;
  if (!existsSync(file))
    return done === rounds || (keep === 'best' && done > 0) ? { file, reason: 'it is missing' } : undefined;
  return checkSafetensors(file) === 'damaged' ? { file, reason: 'its content is not what was written' } : undefined;
}
