/** What every method gives for an adapter that sits in a network. */
import { errorsOf } from '../core/index.js';
import type { Tensor } from '../torch/index.js';

export const peftErrors = {
  ADAPTER_ATTACHED: {
    exit: 'model',
    message: 'The layer {layer} carries an adapter already.',
    hint: 'Detach or merge the first adapter before attaching another.',
  },
  ADAPTER_EMPTY: {
    exit: 'usage',
    message: 'No convolution would be adapted: the blocks {blocks} hold none that fits the kernel sizes.',
    hint: 'Name blocks of the network (init_path, down1, down2, down3, up3, up2, up1, out_path) and kernels that occur.',
  },
  ADAPTER_MERGED: {
    exit: 'usage',
    message: 'The adapter is not in the network any more: it was merged into the base weights, or detached.',
    hint: 'Merging twice would add its update twice. Attach an adapter to a fresh base to merge it.',
  },
} as const;
export const peftError = errorsOf(peftErrors);

export interface Attached {
  /** The adapter's own tensors, which training may change. */
  parameters(): Set<Tensor>;
  /** Takes the adapter out; the base is as it was. */
  detach(): void;
  /**
   * Adds the update to the base weights for good and takes the adapter out.
   * @throws GraftError ADAPTER_MERGED the second time
   */
  merge(): void;
}
