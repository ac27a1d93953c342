/** Attaching ConvLoRA to a network's blocks. */
import { Convolution, type Module, type State } from '../../nn/index.js';
import { batchNorms } from '../adabn.js';
import { type Attached, attach, type Piece } from '../attached.js';
import { peftError } from '../errors.js';
import type { ConvLoraConfig } from './config.js';
import { ConvLora } from './layer.js';

/**
 * Puts factors beside the convolutions of the named blocks; their names in the network's state are the convolution's
 * path with `lora_A` and `lora_B`, as in the reference code. The base weights are not touched.
 *
 * @param blocks top-level children of the network, such as `init_path`
 * @param seed of A's initial values; B starts at zero
 * @throws GraftError ADAPTER_ATTACHED where an adapter is there already, ADAPTER_EMPTY where nothing would be adapted
 */
export function attachConvLora(
  network: Module,
  blocks: readonly string[],
  { rank = 2, alpha = rank, kernels }: ConvLoraConfig = {},
  seed = 0,
): Attached {
  const pieces: Piece[] = [];
  for (const [path, module] of network.modules()) {
    if (!(module instanceof Convolution) || !blocks.includes(path.split('.')[0])) continue;
    if (kernels && !kernels.includes(module.config.kernel)) continue;
    pieces.push({ path, owner: module, slots: [module], adapter: new ConvLora(module, rank, alpha) });
  }
  if (pieces.length === 0) throw peftError('ADAPTER_EMPTY', { blocks: blocks.join(', ') });
  return attach(network, pieces, seed);
}

/**
 * What adaptation with ConvLoRA trains: the factors, and the affine part of the batch normalisations inside the adapted
 * blocks' residual units (named `bn`), as in the reference code.
 */
export function trainableParameters(network: Module, blocks: readonly string[], adapter: Attached): State {
  const own = adapter.parameters();
  const affine = batchNorms(network)
    .filter(([path]) => blocks.includes(path.split('.')[0]) && path.endsWith('.bn'))
    .flatMap(([, { weight, bias }]) => [weight, bias]);
  const chosen = new Set([...own, ...affine]);
  return new Map([...network.parameters()].filter(([, value]) => chosen.has(value)));
}
