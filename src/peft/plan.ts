/**
 * A plan: which parameters of a network are trained beside which adapter, and what of them travels between sites. Each
 * family of networks has its own (`src/networks`); here is what all plans have in common.
 */

import { type Module, pick, type State } from '../nn/index.js';
import { batchNorms } from './adabn.js';
import { type AdapterPiece, type Attached, attach } from './attached.js';
import { peftError } from './errors.js';

/**
 * Which parameters of a network are trained, beside which adapter.
 *
 * @template Options of the family's adapters; a plan passes over those that its own adapter does not have
 */
// biome-ignore lint/suspicious/noExplicitAny: families with different options stand in one table
export interface TrainingPlan<Options = any> {
  readonly name: string;
  /** For tables and legends. */
  readonly label: string;
  /** The adapter's pieces for a network; absent where the plan has no adapter. */
  adapter?(network: Module, options: Options): AdapterPiece[];
  /** Consecutive slices that its adapter reads as one window, where it looks across slices. */
  across?(options: Options): number;
  /** Whether the plan trains the network's own parameter of this name; absent: none. */
  trains?(name: string, options: Options): boolean;
}

/**
 * What becomes of batch normalisation where a network has it: `frozen` keeps the statistics it came with; `local` trains
 * with the batch's own, and statistics, scales and shifts stay with each site (FedBN, Li et al. 2021, arXiv 2102.07623);
 * `averaged` does so too, but they travel and are combined like everything that is trained.
 */
export const normalisations = ['frozen', 'local', 'averaged'] as const;
export type Normalisation = (typeof normalisations)[number];

/** A network that is ready to be trained after a plan. */
export interface Planned {
  /** Where the plan has an adapter. */
  attached?: Attached;
  /** What training changes by gradients: the only tensors of the network that require one. */
  trained: State;
  /** All that differs from the base in the end: what is trained, and running statistics where training moves them. */
  held: State;
  /** The part of `held` that sites exchange. */
  travelling: State;
  /** Takes the adapter out and freezes the network. */
  undo(): void;
}

interface ApplyOptions {
  /** Of the adapter's initial values. */
  seed?: number;
  normalisation?: Normalisation;
}

/** Mixing weights of several LoRAs are each site's own. */
const staysAtSite = (name: string) => /(^|\.)lora_scale$/.test(name);

/** Puts the plan's adapter in; undefined where it has none. @throws GraftError as `attach` and the adapter's method do */
export const attachPlan = <Options>(
  network: Module,
  { adapter }: TrainingPlan<Options>,
  options: Options,
  seed = 0,
): Attached | undefined => adapter && attach(network, adapter(network, options), seed);

/**
 * Attaches what the plan needs and sets `requiresGrad` on what it trains, and only there.
 *
 * @param options parsed by the family's schema
 * @param seed of the adapter's initial values @param normalisation what becomes of batch normalisation; default: `frozen`
 * @returns the tensors that are trained and those that travel, and `undo`, which takes the adapter out again
 * @throws GraftError PLAN_EMPTY where nothing would be trained, and as `attachPlan` does
 */
export function applyPlan<Options>(
  network: Module,
  plan: TrainingPlan<Options>,
  options: Options,
  { seed = 0, normalisation = 'frozen' }: ApplyOptions = {},
): Planned {
  const attached = attachPlan(network, plan, options, seed);
  const own = attached?.parameters() ?? new Set();
  const parameters = network.parameters();
  const trained: State = new Map(
    [...parameters].filter(([path, value]) => own.has(value) || plan.trains?.(path, options)),
  );
  if (trained.size === 0) throw peftError('PLAN_EMPTY', { plan: plan.name });
  for (const [path, value] of parameters) value.requiresGrad = trained.has(path);
  const norms = normalisation === 'frozen' ? [] : batchNorms(network).map(([, layer]) => layer);
  const moved = new Set(norms.flatMap((layer) => [...layer.buffers().values()]));
  const held: State = new Map([...trained, ...[...network.buffers()].filter(([, value]) => moved.has(value))]);
  const local = new Set(normalisation === 'local' ? norms.flatMap((layer) => [...layer.state().values()]) : []);
  return {
    ...(attached && { attached }),
    trained,
    held,
    travelling: pick(held, (path) => !staysAtSite(path) && !local.has(held.get(path)!)),
    undo() {
      for (const value of trained.values()) if (!value.disposed) value.requiresGrad = false;
      attached?.detach();
    },
  };
}
