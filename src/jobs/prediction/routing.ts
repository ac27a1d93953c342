/**
 * Which of several adapters a scan is for, each of them learned at one scanner: what its file says rules adapters out, and
 * of the others and the base model that one is nearest whose first batch normalisations have statistics like the scan's own.
 *
 * Probabilities are a softmax over -8 ln(distance): what counts are ratios, since distances have no scale that networks share.
 * At 0.9 of another's distance a candidate is 2.3 times as probable, at half of it 256 times.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Pausing, readFault } from '../../core/index.js';
import type { ScanTags, Volume } from '../../data/index.js';
import { openSafetensors } from '../../formats/index.js';
import { type ChannelStatistics, heldStatistics, statisticsDistance } from '../../peft/index.js';
import { type Adapter, firstNorms, loadAdapter, type Segmenter, statisticsOfVolume } from '../../segmenter/index.js';
import { jobError } from '../errors.js';

/** The adapters that scans are routed to. */
export interface RoutingOptions {
  /** Adapters at any depth. */
  folder: string;
  /** Probability below which the base model is used. */
  certainty: number;
}

/** What a scan may be segmented with. */
export interface Candidate {
  /** The adapter's file; null: the base model. */
  adapter: string | null;
  /** What it was adapted to. */
  target: string | null;
  /** Between its statistics and the scan's, as `statisticsDistance` has it; null where the scan's tags rule it out. */
  distance: number | null;
  probability: number;
}

/** What was decided of a scan. */
export interface Routing {
  /** The file of the adapter in use; null: the base model. */
  adapter: string | null;
  /** What that was adapted to. */
  target: string | null;
  /** That this is the right one. */
  probability: number;
  /** No candidate is as probable as was asked for: the base model is used. */
  unsure: boolean;
  /** The most probable first. */
  candidates: Candidate[];
}

const POWER = 8;
/** Of a distance: a scan that was itself adapted to may have none. */
const LEAST = 1e-6;

interface Route {
  adapter: Adapter;
  modalities: readonly string[];
  scanners: readonly string[];
  statistics: ChannelStatistics;
}

export class Router {
  readonly #model: Segmenter;
  readonly #certainty: number;
  readonly #routes: Route[];
  /** The base model's. */
  readonly #own: ChannelStatistics;

  /**
   * @param model is left without an adapter
   * @throws GraftError ROUTING_UNSUITED, ADAPTERS_NONE, ADAPTERS_ALIKE, ADAPTER_UNTOLD, and as `loadAdapter` and
   *   `Segmenter.use`
   */
  constructor(model: Segmenter, { folder, certainty }: RoutingOptions) {
    this.#model = model;
    this.#certainty = certainty;
    const norms = firstNorms(model);
    if (norms.length === 0) throw jobError('ROUTING_UNSUITED', { family: model.family.title });
    model.use(undefined);
    this.#own = heldStatistics(model.network.buffers(), norms);
    this.#routes = adaptersBelow(folder).map((file) => this.#routeTo(loadAdapter(file), norms));
    const byTarget = new Map<string, string>();
    for (const { adapter } of this.#routes) {
      const target = targetOf(adapter);
      const first = byTarget.get(target);
      if (first !== undefined) throw jobError('ADAPTERS_ALIKE', { first, second: adapter.name, target });
      byTarget.set(target, adapter.name);
    }
  }

  #routeTo(adapter: Adapter, norms: readonly string[]): Route {
    // Whatever is wrong between adapter and base shows before the first scan.
    this.#model.use(adapter);
    this.#model.use(undefined);
    const { modalities = [], scanners = [], statistics = heldStatistics(adapter.state, norms) } = adapter.domain ?? {};
    const apart = statisticsDistance(statistics, this.#own);
    // An adapter of before whose statistics stayed the base's.
    if (!apart) throw jobError('ADAPTER_UNTOLD', { file: adapter.name });
    return { adapter, modalities, scanners, statistics };
  }

  /** Decides, and puts the adapter that it decided on to use. @throws GraftError as `segmentVolume` */
  *route(volume: Volume, tags: ScanTags): Pausing<Routing> {
    this.#model.use(undefined);
    const seen = yield* statisticsOfVolume(this.#model, volume);
    const base = { adapter: null, target: null, distance: statisticsDistance(seen, this.#own)! };
    const possible = new Set(this.#possible(tags));
    const candidates = withProbabilities([
      base,
      ...this.#routes.map((route) => ({
        ...{ adapter: route.adapter.name, target: targetOf(route.adapter) },
        distance: possible.has(route) ? statisticsDistance(seen, route.statistics)! : null,
      })),
    ]);
    const [best] = candidates;
    const unsure = !(best.probability >= this.#certainty); // written so that NaN is unsure
    const { adapter, target, probability } = unsure ? candidates.find((one) => one.adapter === null)! : best;
    this.#model.use(this.#routes.find((route) => route.adapter.name === adapter)?.adapter);
    return { adapter, target, probability, unsure, candidates };
  }

  /** The adapters that the tags leave: what is not known rules none out, and neither does a scanner that none knows. */
  #possible({ modality, scanner }: ScanTags): Route[] {
    const mayBe = (known: readonly string[], said: string | undefined) =>
      said === undefined || known.length === 0 || known.includes(said);
    const ofKind = this.#routes.filter(({ modalities }) => mayBe(modalities, modality));
    const known = ofKind.some(({ scanners }) => scanner !== undefined && scanners.includes(scanner));
    return known ? ofKind.filter(({ scanners }) => mayBe(scanners, scanner)) : ofKind;
  }
}

/** Nothing is sure. */
const share = (value: number) => (value > 0.99 ? '> 0.99' : value < 0.01 ? '< 0.01' : value.toFixed(2));
const named = ({ target, probability }: Candidate) => `${target ?? 'the base model'} ${share(probability)}`;

/** `lju-t2 0.97, then the base model 0.02` */
export const likeliest = ({ candidates: [best, next] }: Routing): string => `${named(best)}, then ${named(next)}`;

const targetOf = ({ provenance, name }: Adapter): string => provenance.target ?? name;

/** Adapters below a folder; models that lie there, too, are passed over. @throws GraftError ADAPTERS_NONE, and as `openSafetensors` */
function adaptersBelow(folder: string): string[] {
  const files = filesBelow(folder).filter((file) => {
    using opened = openSafetensors(file);
    return opened.metadata.format !== 'graft-model';
  });
  if (files.length === 0) throw jobError('ADAPTERS_NONE', { folder, found: 'no adapter' });
  return files;
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.safetensors'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    throw jobError('ADAPTERS_NONE', { folder, found: readFault(error) }, error);
  }
}

/** The most probable first. */
function withProbabilities(candidates: readonly Omit<Candidate, 'probability'>[]): Candidate[] {
  const weights = candidates.map(({ distance }) => (distance === null ? 0 : Math.max(distance, LEAST) ** -POWER));
  const sum = weights.reduce((a, b) => a + b, 0);
  return candidates
    .map((one, i) => ({ ...one, probability: weights[i] / sum }))
    .sort((a, b) => b.probability - a.probability);
}
