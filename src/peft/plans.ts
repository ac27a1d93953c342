/**
 * Training plans: which parameters of Segment Anything are trained beside which adapter, and what travels between sites.
 *
 * The first seven are those that FLAP-SAM compares (its Fig. 1), with the parameters that its printed costs count:
 * `attention` is the encoder's attention and the whole two-way transformer, which fits them and its published code does
 * not. `fact` and `ma-sam` train what MA-SAM's code does. Left out: its rule for DoRA, whose magnitudes the code freezes
 * because their names lack "lora"; here all of an adapter is trained.
 */
import { z } from 'zod';
import { type Module, pick, type State } from '../nn/index.js';
import { type Attached, attach, type Piece } from './attached.js';
import { peftError } from './errors.js';
import { factPieces } from './fact/inject.js';
import { loraOptions, oneDora } from './lora/config.js';
import { loraPieces } from './lora/inject.js';
import { sliceAdapterSchema } from './slice-adapter/config.js';
import { sliceAdapterPieces } from './slice-adapter/inject.js';

export const planNames = [
  'full',
  'attention',
  'decoder',
  'partial-decoder',
  'lora',
  'lora-decoder',
  'flap-sam',
  'fact',
  'ma-sam',
] as const;
export const planSchema = z.enum(planNames);
export type PlanName = z.infer<typeof planSchema>;

/** The options of every plan's adapter; a plan passes over those that its own adapter does not have. */
export const adapterSchema = loraOptions.extend({ slices: sliceAdapterSchema.shape.slices }).refine(...oneDora);
export type AdapterConfig = z.input<typeof adapterSchema>;

export interface Plan {
  /** For tables and legends. */
  label: string;
  /** The adapter's pieces for a network. */
  adapter?: (network: Module, options: AdapterConfig) => Piece[];
  /** Which of the network's own parameters are trained, by the beginning of their names or by a rule. */
  trains?: RegExp;
}

const decoder = /^mask_decoder\./;
const partialDecoder = /^mask_decoder\.(output_upscaling|output_hypernetworks_mlps|mask_tokens)\./;
/** The decoder and the one part of the prompt encoder that a model without prompts uses. */
const decoderAndPrompt = /^(mask_decoder|prompt_encoder\.no_mask_embed)\./;

const lora: Plan['adapter'] = (network, { slices: _, ...options }) => loraPieces(network, options);
const fact: Plan['adapter'] = (network, { rank, scale, dropout }) =>
  factPieces(network, { rank, scale, ...(dropout !== undefined && { dropout }) });
const factAndSlices: Plan['adapter'] = (network, options) => [
  ...fact(network, options),
  ...sliceAdapterPieces(network, {
    slices: options.slices,
    init: options.init === 'reference' ? 'reference' : 'zero-up',
  }),
];

export const plans: Readonly<Record<PlanName, Plan>> = {
  full: { label: 'everything', trains: /^/ },
  attention: { label: 'attention', trains: /^(image_encoder\..*\.attn|mask_decoder\.transformer)\./ },
  decoder: { label: 'decoder', trains: decoder },
  'partial-decoder': { label: 'output of the decoder', trains: partialDecoder },
  lora: { label: 'LoRA', adapter: lora },
  'lora-decoder': { label: 'LoRA and decoder (SAMed)', adapter: lora, trains: decoder },
  'flap-sam': { label: 'LoRA and output of the decoder (FLAP-SAM)', adapter: lora, trains: partialDecoder },
  fact: { label: 'FacT and decoder', adapter: fact, trains: decoderAndPrompt },
  'ma-sam': { label: 'FacT, slice adapters and decoder (MA-SAM)', adapter: factAndSlices, trains: decoderAndPrompt },
};

/** A network that is ready to be trained after a plan. */
export interface Planned {
  /** Where the plan has an adapter. */
  attached?: Attached;
  /** What training changes: the only tensors of the network that require a gradient. */
  trained: State;
  /** What sites exchange: all that is trained but what stays with each site, the mixing weights of several LoRAs. */
  travelling: State;
  /** Takes the adapter out and freezes the network. */
  undo(): void;
}

/** Whether a trained tensor is a site's own. */
const staysAtSite = (name: string) => /(^|\.)lora_scale$/.test(name);

/**
 * Attaches what the plan needs and sets `requiresGrad` on what it trains, and only there.
 *
 * @param options of the adapter; plans without one ignore them
 * @param seed of the adapter's initial values
 * @throws GraftError PLAN_EMPTY where nothing would be trained, and as `attachLora` and its like do
 */
export function applyPlan(network: Module, name: PlanName, options: AdapterConfig = {}, seed = 0): Planned {
  const { adapter, trains } = plans[name];
  const attached = adapter && attach(network, adapter(network, adapterSchema.parse(options)), seed);
  const own = attached?.parameters() ?? new Set();
  const parameters = network.parameters();
  const trained: State = new Map([...parameters].filter(([path, value]) => own.has(value) || trains?.test(path)));
  if (trained.size === 0) throw peftError('PLAN_EMPTY', { plan: name });
  for (const [path, value] of parameters) value.requiresGrad = trained.has(path);
  return {
    ...(attached && { attached }),
    trained,
    travelling: pick(trained, (path) => !staysAtSite(path)),
    undo() {
      for (const value of trained.values()) if (!value.disposed) value.requiresGrad = false;
      attached?.detach();
    },
  };
}
