/** Attaching FacT-TT to the fused q, k and v of an image encoder's blocks. */
import { Linear, type Module } from '../../nn/index.js';
import { type AdapterPiece, type Attached, attach } from '../attached.js';
import { peftError } from '../errors.js';
import { type FactConfig, factSchema } from './config.js';
import { FactBlock, FactShared } from './layer.js';

/**
 * Puts FacT-TT beside every linear layer called `qkv`. The shared factors lie on the network's child that holds these
 * layers (`image_encoder.FacTu.weight`), the blocks' own on the layers (`….attn.qkv.q_FacTs.weight`).
 *
 * @throws GraftError ADAPTER_PLACE where there is no such layer, ADAPTER_ATTACHED where an adapter is already
 */
export function attachFact(network: Module, config: FactConfig = {}, seed = 0): Attached {
  return attach(network, factPieces(network, config), seed);
}

export function factPieces(network: Module, config: FactConfig): AdapterPiece[] {
  const { rank, ...rest } = factSchema.parse(config);
  const modules = new Map(network.modules());
  const fused = [...modules].filter(
    (entry): entry is [string, Linear] => entry[1] instanceof Linear && /(^|\.)qkv$/.test(entry[0]),
  );
  if (fused.length === 0)
    throw peftError('ADAPTER_PLACE', { method: 'FacT', place: 'the fused q, k and v of an image encoder' });

  const [[first, { weight }]] = fused;
  const shared = new FactShared(weight.shape[1], rank);
  const path = first.split('.')[0];
  return [
    { path, owner: modules.get(path) as Module, slots: [], adapter: shared },
    ...fused.map(([path, layer]) => ({
      path,
      owner: layer,
      slots: [layer],
      adapter: new FactBlock(path, layer, shared, rest),
    })),
  ];
}
