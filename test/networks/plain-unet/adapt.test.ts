/** Plain U-Nets without labels: the map at half resolution that deep supervision trained is their early head. */
import { describe, expect, it } from 'vitest';
import { calibrate } from '../../../src/adapt/calibrate.js';
import { noteReference, trainHeads, trainingSchema, trainNetwork } from '../../../src/adapt/index.js';
import { runToEnd, runWithoutPauses } from '../../../src/core/index.js';
import { loadSlices, SlicePool } from '../../../src/data/index.js';
import { plainUNet } from '../../../src/networks/plain-unet/index.js';
import { disposeState } from '../../../src/nn/index.js';
import { loadSegmenter, probabilitiesOf, Segmenter } from '../../../src/segmenter/index.js';
import { noGrad, operator, setThreads, type Tensor } from '../../../src/torch/index.js';
import { configure, finish } from '../../adapt/small.js';
import { folder, reference, scan, segmentation } from './reference.js';

setThreads(1);
const greatest = operator('aten::amax') as (x: Tensor, dims: number[], keep: boolean) => Tensor;
const model = loadSegmenter(folder);
const { network } = model;
const head = model.heads.get(0)!;
const images = reference('plain.prepared').unsqueeze(1); // [n, 1, h, w]
const cases = (...names: string[]) =>
  names.map((name) => ({ site: 'north', name, image: scan(name), label: segmentation(name) }));

/** Which map is the largest, and each map's mean probability, of the network and of its early head. */
const seen = () =>
  noGrad(() => {
    const features = network.encode(images);
    const maps = [network.logits(features), head.read(features)].map((logits) => probabilitiesOf(network, logits));
    const winners = (p: Tensor) => p.eq(greatest(p, [1], true)).to('float32');
    return { maps, agreement: winners(maps[0]).mul(winners(maps[1])).sum([1]).mean().item() };
  });
const shares = (p: Tensor) => [...p.mean([0, 2, 3]).toArray<'float32'>()];

describe('the early head of a network that nnU-Net trained', () => {
  it('says at most pixels what the network says', () => {
    const { maps, agreement } = seen();
    expect(maps[1].shape).toEqual(maps[0].shape);
    expect(agreement).toBeGreaterThan(0.9);
    expect(agreement).toBeLessThan(1);
  });

  it('is calibrated to segment as much of each class', () => {
    head.shift([0, 2, -2]);
    const before = seen().maps.map(shares);
    expect(Math.abs(before[1][1] - before[0][1]), 'the case shows something').toBeGreaterThan(0.05);
    runWithoutPauses(calibrate(network, head, [images]));
    const [own, early] = seen().maps.map(shares);
    for (const c of [1, 2]) expect(Math.abs(early[c] - own[c])).toBeLessThan(0.01);
  });
});

describe('an adaptation without labels', () => {
  const target = loadSlices(cases('coarse'), model.preprocessing, { classes: 3 });

  it.each([
    ['norm', 2 * 2 * 4, {}],
    ['convlora', 2 * 2 * 4 + 2 * 2 * 4, { rank: 1 }],
  ])('by %s trains its part of the encoder, and leaves the model as it was', async (method, tensors, options) => {
    const before = model.fingerprint;
    const events = configure({ method, lr: 1e-3, epochs: 2, batch: 8, ...options });
    const { all, end } = await finish(runAdaptation(events));
    expect(all.filter(({ kind }) => kind === 'look').length).toBe(3);
    expect(end.adapter.state.size).toBe(tensors);
    expect([...end.adapter.state.keys()].every((name) => name.startsWith('encoder.'))).toBe(true);
    expect(end.looks[0].agreement).toBeGreaterThan(0.3);
    expect(end.looks[2].entropy).not.toBe(end.looks[0].entropy);
    expect(model.fingerprint).toBe(before);
    model.use(end.adapter);
    model.use(undefined);
    disposeState(end.adapter.state);
  });

  async function* runAdaptation(config: ReturnType<typeof configure>) {
    const { adapt } = await import('../../../src/adapt/index.js');
    yield* adapt(model, target, config, { seed: 1, name: 'target', toleranceMm: 2 });
  }
});

describe('a new network', () => {
  it('is trained whole, with its early head and what the guard compares with', async () => {
    const config = plainUNet.configure('plain-unet', 2, { baseFeatures: 4, stages: 3 });
    const made = new Segmenter({
      ...{ family: plainUNet, config, classes: ['left lobe', 'right lobe'] },
      preparation: model.preparation,
    });
    made.initialise(1);
    const slices = loadSlices(cases('plain'), made.preprocessing, { classes: 3 });
    using pool = new SlicePool(slices, { device: 'cpu' });
    const training = trainingSchema.parse({ epochs: 12, headEpochs: 2, batch: 4, lr: 1e-2, augmentation: null });
    const losses: number[] = [];
    const note = (event: { kind: string }) => {
      if (event.kind === 'epoch') losses.push((event as unknown as { values: { loss: number } }).values.loss);
    };
    await runToEnd(trainNetwork(made, pool, slices, training, { seed: 1 }), note);
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]);
    await runToEnd(trainHeads(made, pool, training, { seed: 1 }), note);
    expect(losses[13]).toBeLessThan(losses[12]);
    runWithoutPauses(noteReference(made, slices, 2));
    expect(made.reference!.volumeMl.high).toBeGreaterThan(0);
    expect(made.profile).toBeDefined();
  });
});
