/** What every method of parameter-efficient fine-tuning must keep: one suite over a table of methods. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { DecoderAttention, ImageEncoder } from '../../src/networks/sam/index.js';
import { UNet2D } from '../../src/networks/unet2d/index.js';
import {
  Adam,
  countElements,
  initialiseModule,
  Layer,
  type Module,
  readState,
  type State,
  writeState,
} from '../../src/nn/index.js';
import type { Attached } from '../../src/peft/index.js';
import { memoryStatistics, noGrad, scope, type Tensor, tensor } from '../../src/torch/index.js';
import { eachDevice } from '../devices.js';

export interface Method {
  name: string;
  /** Attaches the method to the whole network or encoder. */
  attach(network: Module, seed: number): Attached;
  /** What it is attached to, and the images for it. */
  network(): Layer;
  images(device: string): Tensor;
  /** Whether its update can be written into the base; default: true. */
  mergeable?: boolean;
}

/** A small network with normalisations that are not the identity. */
export function smallNetwork(seed = 1): UNet2D {
  const network = new UNet2D({ inChannels: 1, outChannels: 2, filters: 2 });
  initialiseModule(network, seed, 'network');
  const { uniform } = random(seed, 'statistics');
  noGrad(() => {
    for (const [name, value] of network.state())
      if (name.endsWith('running_mean') || name.endsWith('running_var') || /bn\.(weight|bias)$/.test(name))
        value.copy_(tensor(Array.from({ length: value.size }, () => uniform(0.5, 1.5))));
  });
  return network;
}

/** Images with structure, float32 [2, 1, 16, 16]. */
export function images(seed = 1, device = 'cpu'): Tensor {
  const { normal } = random(seed, 'images');
  return tensor(
    Array.from({ length: 512 }, () => normal()),
    [2, 1, 16, 16],
    { device },
  );
}

/** Segment Anything's image encoder and one attention of its decoder, for images of 32 pixels. */
export class SmallTransformer extends Layer {
  readonly #encoder: ImageEncoder;
  readonly #attention: DecoderAttention;
  constructor(seed = 1) {
    super();
    const config = { imageSize: 32, embedDim: 16, depth: 2, heads: 2, globalAttention: [1], window: 2, promptDim: 32 };
    this.#encoder = this.child('image_encoder', new ImageEncoder({ ...config, decoderMlp: 32, classes: null }));
    this.#attention = this.child('mask_decoder.attn', new DecoderAttention(32, 16));
    initialiseModule(this, seed, 'transformer');
  }
  /** [B, 3, 32, 32] -> [B, 4, 32] */
  override forward(images: Tensor): Tensor {
    const embeddings = this.#encoder.forward(images); // [B, 32, 2, 2]
    const tokens = embeddings.reshape(images.shape[0], 32, 4).transpose(1, 2); // [B, 4, 32]
    return this.#attention.forward(tokens, tokens, tokens);
  }
}

/** Two slices in three equal channels, float32 [2, 3, 32, 32] in [0, 1]. */
export function slices(device = 'cpu'): Tensor {
  const { uniform } = random(1, 'slices');
  const values = tensor(
    Array.from({ length: 2 * 32 * 32 }, () => uniform()),
    [2, 1, 32, 32],
    { device },
  );
  return values.expand(2, 3, 32, 32);
}

/** Every tensor's bytes, as texts, which vitest compares quickly. */
export const bytesOf = (state: State) =>
  new Map([...state].map(([name, value]) => [name, Buffer.from(value.toBytes()).toString('base64')]));
export const outputOf = (network: Layer, image: Tensor) => scope(() => noGrad(() => network.forward(image).toArray()));

/** The parameters of the adapter with their names in the network. */
export function ownParameters(network: Module, adapter: Attached): State {
  const own = adapter.parameters();
  return new Map([...network.parameters()].filter(([, value]) => own.has(value)));
}

/** Some steps that move the adapter alone. */
export function train(network: Layer, adapter: Attached, image: Tensor, steps = 3): void {
  const trained = ownParameters(network, adapter);
  for (const value of trained.values()) value.requiresGrad = true;
  const optimiser = new Adam(trained, { lr: 0.05 });
  for (let step = 0; step < steps; step++) {
    scope(() => network.forward(image).pow(2).mean().backward());
    optimiser.step();
    optimiser.zeroGrad();
  }
}

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const distance = (a: Float32Array, b: Float32Array) => largest(a.map((value, i) => value - b[i]));

export function contract(method: Method): void {
  const { mergeable = true } = method;
  const folder = mkdtempSync(join(tmpdir(), 'graft-peft-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  eachDevice(method.name, (device) => {
    const image = method.images(device);
    const adapted = () => {
      const network = method.network();
      network.to(device);
      const base = network.state();
      const before = { output: outputOf(network, image), bytes: bytesOf(base), base };
      const adapter = method.attach(network, 7);
      return { network, adapter, ...before };
    };

    it('at the start gives the outputs of the base, and sits on its device', () => {
      const { network, adapter, output } = adapted();
      for (const value of adapter.parameters()) expect(value.device).toBe(device);
      expect(outputOf(network, image)).toEqual(output);
    });

    it('trains its own parameters and not one bit of the base', () => {
      const { network, adapter, base, bytes, output } = adapted();
      const first = bytesOf(ownParameters(network, adapter));
      train(network, adapter, image);
      expect(bytesOf(base)).toEqual(bytes);
      for (const [name, value] of bytesOf(ownParameters(network, adapter)))
        expect(value, name).not.toBe(first.get(name));
      expect(distance(outputOf(network, image), output)).toBeGreaterThan(1e-3 * largest(output));
    });

    it('is repeatable by its seed', () => {
      const [one, same] = [adapted(), adapted()];
      expect(bytesOf(one.network.state())).toEqual(bytesOf(same.network.state()));
      const other = method.network();
      method.attach(other, 8);
      expect(bytesOf(other.state())).not.toEqual(bytesOf(one.network.state()));
    });

    it('detached gives the base back, bit by bit, and all its memory', () => {
      const tensors = () => memoryStatistics(device).tensors;
      const { network, adapter, base, bytes, output } = adapted();
      const own = adapter.parameters().size;
      train(network, adapter, image);
      const held = tensors();
      adapter.detach();
      expect(tensors()).toBe(held - own);
      expect(outputOf(network, image)).toEqual(output);
      expect([...network.state().keys()]).toEqual([...base.keys()]);
      expect(bytesOf(network.state())).toEqual(bytes);
      method.attach(network, 7);
    });

    it.runIf(mergeable)(
      'merged gives the outputs of the unmerged, with the names of the base; merging twice is refused',
      () => {
        const { network, adapter, base, output } = adapted();
        train(network, adapter, image);
        const unmerged = outputOf(network, image);
        expect(adapter.mergeable).toBe(true);
        adapter.merge();
        const merged = outputOf(network, image);
        // Of the base's outputs: training drives them to zero, where only the sums of large terms are left to compare.
        // CUDA convolves with ten bits of mantissa by default (TF32), where a weight may round to either side.
        expect(distance(merged, unmerged)).toBeLessThan((device === 'cpu' ? 1e-5 : 5e-3) * largest(output));
        expect([...network.state().keys()]).toEqual([...base.keys()]);
        expect(() => adapter.merge()).toThrow(expect.objectContaining({ code: 'ADAPTER_MERGED' }));
        expect(outputOf(network, image)).toEqual(merged);
      },
    );

    it.skipIf(mergeable)('cannot be merged, says so, and stays as it was', () => {
      const { network, adapter } = adapted();
      train(network, adapter, image);
      const unmerged = outputOf(network, image);
      expect(adapter.mergeable).toBe(false);
      expect(() => adapter.merge()).toThrow(expect.objectContaining({ code: 'ADAPTER_UNMERGEABLE' }));
      expect(outputOf(network, image)).toEqual(unmerged);
    });

    it('travels as a file: on the same base it gives the same bits', () => {
      const { network, adapter } = adapted();
      train(network, adapter, image);
      const path = join(folder, `${device.replace(':', '')}.safetensors`);
      writeState(path, ownParameters(network, adapter));

      const elsewhere = method.network();
      elsewhere.to(device);
      const loaded = method.attach(elsewhere, 99);
      elsewhere.loadState(readState(path).state, { file: path, partial: true });
      expect(outputOf(elsewhere, image)).toEqual(outputOf(network, image));
      expect(countElements(loaded.parameters())).toBe(countElements(adapter.parameters()));
    });

    it('is refused where one is already, and then leaves everything as it was', () => {
      const { network } = adapted();
      const before = [...network.state().keys()];
      expect(() => method.attach(network, 1)).toThrow(expect.objectContaining({ code: 'ADAPTER_ATTACHED' }));
      expect([...network.state().keys()]).toEqual(before);
    });
  });

  describe(`${method.name} over a hundred training steps`, () => {
    it('holds no more tensors after any step, and hardly more memory', () => {
      const network = method.network();
      const adapter = method.attach(network, 7);
      const image = method.images('cpu');
      const trained = ownParameters(network, adapter);
      for (const value of trained.values()) value.requiresGrad = true;
      const optimiser = new Adam(trained, { lr: 1e-3 });
      const counts = new Set<number>();
      let resident = 0;
      for (let step = 1; step <= 100; step++) {
        scope(() => network.forward(image).pow(2).mean().backward());
        optimiser.step();
        optimiser.zeroGrad();
        counts.add(memoryStatistics().tensors);
        if (step === 30) resident = process.memoryUsage.rss();
      }
      expect(counts.size).toBe(1);
      expect((process.memoryUsage.rss() - resident) / 2 ** 20).toBeLessThan(40); // MiB
    });
  });
}
