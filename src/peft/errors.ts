/** What can go wrong with adapters and plans, as the user sees it. */
import { errorsOf } from '../core/index.js';

export const peftErrors = {
  ADAPTER_ATTACHED: {
    exit: 'model',
    message: 'The layer {layer} carries an adapter already.',
    hint: 'Detach or merge the first adapter before attaching another.',
  },
  ADAPTER_EMPTY: {
    exit: 'usage',
    message: 'No convolution would be adapted: the blocks {blocks} hold none that fits the kernel sizes.',
    hint: 'Name blocks of the network ("graft params" lists them) and kernel sizes that occur in them.',
  },
  ADAPTER_MERGED: {
    exit: 'usage',
    message: 'The adapter is not in the network any more: it was merged into the base weights, or detached.',
    hint: 'Merging twice would add its update twice. Attach an adapter to a fresh base to merge it.',
  },
  ADAPTER_NO_PRODUCT: {
    exit: 'usage',
    message: 'The update of {layer} cannot be written as a product of two factors: {reason}.',
    hint: 'Programs that know LoRA alone cannot hold it. Export the merged weights instead (--format weights), where it can be merged.',
  },
  ADAPTER_PLACE: {
    exit: 'usage',
    message: '{method} adapts {place}; this network has none.',
    hint: 'Choose another plan or another model; vision transformers have what all of these plans need.',
  },
  ADAPTER_TARGET: {
    exit: 'usage',
    message: 'LoRA has nothing to adapt under the name {target}. Linear layers here are called {layers}.',
    hint: 'Name parts of attention (q, k, v) or linear layers, with words of their path in front where needed: encoder.q, mlp.lin1.',
  },
  ADAPTER_UNMERGEABLE: {
    exit: 'usage',
    message: 'This adapter cannot be merged: it adds layers of its own, which no weight of the base can hold.',
    hint: 'Keep base and adapter apart; prediction attaches the adapter by itself.',
  },
  PLAN_EMPTY: {
    exit: 'usage',
    message: 'The plan {plan} trains nothing in this network: no parameter has a name that it chooses.',
    hint: 'Choose another plan, one of those that are made for this network.',
  },
  SLICES_UNEVEN: {
    exit: 'usage',
    message: 'A batch of {batch} slices does not divide into windows of {slices}.',
    hint: 'Adapters across slices read the batch as whole windows of consecutive slices; give it such batches.',
  },
} as const;
export const peftError = errorsOf(peftErrors);
