/**
 * Training plans: which parameters of Segment Anything are trained beside which adapter, and what travels between sites.
 *
 * The first seven are those that FLAP-SAM compares (its Fig. 1), with the parameters that its printed costs count:
 * `attention` is the encoder's attention and the whole two-way transformer, which fits them and its published code does
 * not. `fact` and `ma-sam` train what MA-SAM's code does. Left out: its rule for DoRA, whose magnitudes the code freezes
 * because their names lack "lora"; here all of an adapter is trained.
 */
import type { z } from 'zod';
import {
  factPieces,
  loraOptions,
  loraPieces,
  oneDora,
  sliceAdapterPieces,
  sliceAdapterSchema,
  type TrainingPlan,
} from '../../peft/index.js';

/** The options of every plan's adapter; a plan passes over those that its own adapter does not have. */
export const samAdapterSchema = loraOptions.extend({ slices: sliceAdapterSchema.shape.slices }).refine(...oneDora);
type Options = z.output<typeof samAdapterSchema>;

const named = (pattern: RegExp) => (name: string) => pattern.test(name);
const decoder = named(/^mask_decoder\./);
const partialDecoder = named(/^mask_decoder\.(output_upscaling|output_hypernetworks_mlps|mask_tokens)\./);
/** The decoder and the one part of the prompt encoder that a model without prompts uses. */
const decoderAndPrompt = named(/^(mask_decoder|prompt_encoder\.no_mask_embed)\./);
const attention = named(/^(image_encoder\..*\.attn|mask_decoder\.transformer)\./);

type Adapter = NonNullable<TrainingPlan<Options>['adapter']>;
const lora: Adapter = (network, { slices: _, ...options }) => loraPieces(network, options);
const fact: Adapter = (network, { rank, scale, dropout }) =>
  factPieces(network, { rank, scale, ...(dropout !== undefined && { dropout }) });
const factAndSlices: Adapter = (network, options) => [
  ...fact(network, options),
  ...sliceAdapterPieces(network, {
    slices: options.slices,
    init: options.init === 'reference' ? 'reference' : 'zero-up',
  }),
];

const list: TrainingPlan<Options>[] = [
  { name: 'full', label: 'everything', trains: () => true },
  { name: 'attention', label: 'attention', trains: attention },
  { name: 'decoder', label: 'decoder', trains: decoder },
  { name: 'partial-decoder', label: 'output of the decoder', trains: partialDecoder },
  { name: 'lora', label: 'LoRA', adapter: lora },
  { name: 'lora-decoder', label: 'LoRA and decoder (SAMed)', adapter: lora, trains: decoder },
  { name: 'flap-sam', label: 'LoRA and output of the decoder (FLAP-SAM)', adapter: lora, trains: partialDecoder },
  { name: 'fact', label: 'FacT and decoder', adapter: fact, trains: decoderAndPrompt },
  {
    name: 'ma-sam',
    label: 'FacT, slice adapters and decoder (MA-SAM)',
    adapter: factAndSlices,
    trains: decoderAndPrompt,
    across: ({ slices }) => slices,
  },
];
export const samPlans: Readonly<Record<string, TrainingPlan<Options>>> = Object.fromEntries(
  list.map((plan) => [plan.name, plan]),
);
