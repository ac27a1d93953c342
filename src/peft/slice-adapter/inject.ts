/** Attaching adapters across slices to the blocks of an image encoder. */
import { Linear, type Module } from '../../nn/index.js';
import { type AdapterPiece, type Attached, attach } from '../attached.js';
import { peftError } from '../errors.js';
import { type SliceAdapterConfig, sliceAdapterSchema } from './config.js';
import { SliceAdapter } from './layer.js';

/** A block that calls an adapter before and after its attention. */
type Block = Module & { adapter: unknown };

/**
 * Gives every vision transformer block (a module with a place for adapters and fused attention `attn.qkv`) adapters
 * across slices, among the block's own tensors. From then on a batch of images is read as whole windows of consecutive
 * slices. They cannot be merged: no weight of the base computes across slices.
 *
 * @throws GraftError ADAPTER_PLACE where there is no such block, ADAPTER_ATTACHED where an adapter is already
 */
export function attachSliceAdapters(network: Module, config: SliceAdapterConfig = {}, seed = 0): Attached {
  return attach(network, sliceAdapterPieces(network, config), seed);
}

export function sliceAdapterPieces(network: Module, config: SliceAdapterConfig): AdapterPiece[] {
  const { slices, channels, init } = sliceAdapterSchema.parse(config);
  const modules = new Map(network.modules());
  const pieces = [...modules].flatMap(([path, module]): AdapterPiece[] => {
    const fused = modules.get(path ? `${path}.attn.qkv` : 'attn.qkv');
    if (!('adapter' in module) || !(fused instanceof Linear)) return [];
    const inputs = fused.weight.shape[1];
    const width = channels ?? Math.min(384, Math.ceil(inputs / 2));
    const adapter = new SliceAdapter(inputs, width, slices, init === 'zero-up');
    return [{ path, owner: module, slots: [module as Block], adapter }];
  });
  if (pieces.length === 0)
    throw peftError('ADAPTER_PLACE', { method: 'MA-SAM', place: 'the blocks of a vision transformer' });
  return pieces;
}
