/**
 * A site as a program of its own: a base model, labelled cases, a folder and a transport. It takes part until the rounds are
 * over, and then has the adapter that they led to. Killed at any moment and opened again on its folder, it ends with the
 * same bits.
 */
import { runWithPauses } from '../../core/index.js';
import type { CaseSlices } from '../../data/index.js';
import { type Adapter, profileOfCases, type Segmenter } from '../../segmenter/index.js';
import { federateError } from '../errors.js';
import type { SiteEvent } from '../events.js';
import { FederatedSite, type SiteOptions } from '../site.js';
import { folderStore } from '../store.js';
import type { Transport } from '../transport.js';
import { FederatedNetwork } from './network.js';
import type { FederationStart } from './start.js';
import { type SiteStep, SiteTrainer } from './trainer.js';

export interface TrainingSiteOptions
  extends Pick<SiteOptions<SiteStep>, 'key' | 'allow' | 'excuse' | 'metrics' | 'over'> {
  /** As the coordinator knows the site; it names the site's random streams, too. */
  name: string;
  /** The base model; it carries the site's adapter until the site is disposed, which leaves it as it was. */
  model: Segmenter;
  start: Omit<FederationStart, 'initial'>;
  /** Labelled cases, as `loadSlices` gives them. */
  cases: readonly CaseSlices[];
  /** The site's own, with its key and its memory. One folder for each federation. */
  folder: string;
  transport: Transport;
  /** Public key of the coordinator, as for `FederatedSite`. */
  coordinator: string;
}

/**
 * A hospital's part of a federation: it trains its network on its cases when it is asked to, and has an adapter in the end.
 * The model is changed until the site is disposed.
 */
export class TrainingSite implements Disposable {
  readonly #options: TrainingSiteOptions;
  readonly #network: FederatedNetwork;
  readonly #trainer: SiteTrainer;
  readonly #site: FederatedSite<SiteStep>;

  /** @throws GraftError SITE_OTHER_BASE, TRAINING_EMPTY, CASE_UNLABELLED, KEY_INVALID, KEY_DAMAGED, SECRET_EXPOSED */
  constructor(options: TrainingSiteOptions) {
    const { name, model, start, cases, folder, transport, coordinator } = options;
    const { key, allow, excuse, metrics, over } = options;
    const { aggregation, wire, compression, mu } = start.config;
    const { fingerprint: found } = model;
    if (found !== start.base)
      throw federateError('SITE_OTHER_BASE', {
        site: name,
        expected: start.base.slice(0, 12),
        found: found.slice(0, 12),
      });
    const store = folderStore(folder);
    this.#options = options;
    this.#network = new FederatedNetwork(model, start);
    try {
      this.#trainer = new SiteTrainer(this.#network, { name, train: cases });
      this.#site = new FederatedSite({
        ...{ name, trainer: this.#trainer, transport, coordinator, store },
        ...{ key, allow, excuse, metrics, over },
        agreed: { plan: start.plan, aggregation, wire, compression, mu },
      });
    } catch (error) {
      this.#network[Symbol.dispose]();
      throw error;
    }
  }

  /** As `FederatedSite.publicKey`. */
  get publicKey(): string {
    return this.#site.publicKey;
  }

  /** As `FederatedSite.run`. */
  run(signal: AbortSignal): AsyncGenerator<SiteEvent<SiteStep>> {
    return this.#site.run(signal);
  }

  /**
   * The adapter of the last round, with what is the site's own (statistics of batch normalisation, FedSA-LoRA's B); for
   * `saveAdapter`, and so for `graft predict`. After `run` has ended because the rounds are over, and again in any later
   * process that has run to that end.
   *
   * @returns its tensors belong to the caller
   * @throws GraftError SITE_UNFINISHED, TASK_OTHER, BLOB_MISSING; the signal's reason once it is aborted
   */
  async adapter(signal?: AbortSignal): Promise<Adapter> {
    const { name, model, start, cases } = this.#options;
    const { round, sites } = await this.#site.loadResult();
    const profile = await runWithPauses(profileOfCases(model, cases), signal);
    const { family, preparation, classes } = model;
    const { plan: method, adapter: options, base, config } = start;
    return {
      ...{ name, family: family.name, method, options, base, ...preparation, classes, profile },
      state: this.#network.snapshot(),
      provenance: { data: sites.join(', '), seed: String(config.seed), rounds: String(round) },
    };
  }

  [Symbol.dispose](): void {
    this.#trainer[Symbol.dispose]();
    this.#network[Symbol.dispose]();
  }
}
