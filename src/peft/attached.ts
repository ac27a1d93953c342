/**
 * An adapter that sits in a network, whatever its method: pieces are put into the network's slots, their tensors appear
 * in its state beside the owner's, and all of it can be undone or, where the mathematics allows, merged.
 */
import { initialiseModule, type Module } from '../nn/index.js';
import { noGrad, scope, type Tensor } from '../torch/index.js';
import type { Dropout } from './dropout.js';
import { peftError } from './errors.js';
import type { LowRankUpdate } from './low-rank.js';

export interface Attached {
  /** Whether `merge` is possible: the update can be written into weights of the base. */
  readonly mergeable: boolean;
  /** The adapter's own tensors, which training may change. */
  parameters(): Set<Tensor>;
  /**
   * What it adds to weights, as products of two factors; one for each layer.
   * @throws GraftError ADAPTER_NO_PRODUCT where the method, or one of its settings, has no such form
   */
  lowRank(): LowRankUpdate[];
  /**
   * Switches dropout on for training steps, with masks that follow from the seed alone, or off again. A step that is
   * repeated with the same seed, as after resuming or where activations are computed anew, sees the same masks.
   */
  setDropout(seed: number | undefined): void;
  /** Takes the adapter out; the base is as it was. */
  detach(): void;
  /**
   * Adds the update to the base weights for good and takes the adapter out.
   * @throws GraftError ADAPTER_MERGED the second time, ADAPTER_UNMERGEABLE where the method has no such form
   */
  merge(): void;
}

/** What a method computes in one place of the network. */
export interface AdapterPiece {
  /** Names the piece in errors and its initial values' random stream. */
  readonly path: string;
  readonly adapter: Module & {
    readonly dropout?: Dropout;
    /** Writes the update into the base weights; absent where that cannot be done. */
    merge?(): void;
    /** What it adds to each layer; absent where that is no product of two factors. */
    lowRank?(): LowRankUpdate[];
  };
  /** Among whose tensors the piece's appear. */
  readonly owner: Module;
  /** The layers that call it. */
  readonly slots: { adapter: unknown }[];
}

/**
 * Puts the pieces in, with initial values by seed, on the network's device. The base weights are not touched.
 *
 * @throws GraftError ADAPTER_ATTACHED where a slot is taken; then nothing was put in
 */
export function attach(network: Module, pieces: AdapterPiece[], seed: number): Attached {
  const seen = new Set<object>();
  for (const { path, slots } of pieces)
    for (const slot of slots) {
      if (slot.adapter !== undefined || seen.has(slot)) {
        for (const { adapter } of pieces) adapter.dispose();
        throw peftError('ADAPTER_ATTACHED', { layer: path });
      }
      seen.add(slot);
    }

  const [{ device }] = network.parameters().values();
  for (const { path, adapter, owner, slots } of pieces) {
    initialiseModule(adapter, seed, path);
    adapter.to(device);
    owner.adopt(adapter);
    for (const slot of slots) slot.adapter = adapter;
  }

  let inside = pieces;
  const detach = () => {
    for (const { adapter, owner, slots } of inside) {
      for (const slot of slots) slot.adapter = undefined;
      owner.release(adapter);
    }
    inside = [];
  };
  const mergeable = pieces.every(({ adapter }) => adapter.merge);
  return {
    mergeable,
    parameters: () => new Set(inside.flatMap(({ adapter }) => [...adapter.parameters().values()])),
    lowRank: () =>
      inside.flatMap(({ adapter, path }) => {
        if (adapter.lowRank) return adapter.lowRank();
        throw peftError('ADAPTER_NO_PRODUCT', {
          layer: path,
          reason: 'its method shares factors or adds layers of its own',
        });
      }),
    setDropout(seed) {
      for (const { adapter } of inside) if (adapter.dropout) adapter.dropout.seed = seed;
    },
    detach,
    merge() {
      if (!mergeable) throw peftError('ADAPTER_UNMERGEABLE', {});
      if (inside.length === 0) throw peftError('ADAPTER_MERGED', {});
      scope(() =>
        noGrad(() => {
          for (const { adapter } of inside) adapter.merge?.();
        }),
      );
      detach();
    },
  };
}
