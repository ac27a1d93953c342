/** Attaching ConvLoRA to a network's blocks. */
import { Convolution, type Module } from '../../nn/index.js';
import { type AdapterPiece, type Attached, attach } from '../attached.js';
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
export const attachConvLora = (
  network: Module,
  blocks: readonly string[],
  config: ConvLoraConfig = {},
  seed = 0,
): Attached => attach(network, convLoraPieces(network, blocks, config), seed);

/**
 * ConvLoRA's low-rank updates (Aleem et al. 2024) for every convolution of the named blocks; a plan's `adapter` gives them to
 * `applyPlan`, which puts them in.
 *
 * @param blocks top-level children of the network, such as `init_path`
 * @throws GraftError ADAPTER_EMPTY where nothing would be adapted
 */
export function convLoraPieces(
  network: Module,
  blocks: readonly string[],
  { rank = 2, alpha = rank, kernels }: ConvLoraConfig,
): AdapterPiece[] {
  const pieces: AdapterPiece[] = [];
  for (const [path, module] of network.modules()) {
    if (!(module instanceof Convolution) || !blocks.includes(path.split('.')[0])) continue;
    if (kernels && !module.weight.shape.slice(2).every((side) => kernels.includes(side))) continue;
    pieces.push({ path, owner: module, slots: [module], adapter: new ConvLora(path, module, rank, alpha) });
  }
  if (pieces.length === 0) throw peftError('ADAPTER_EMPTY', { blocks: blocks.join(', ') });
  return pieces;
}
