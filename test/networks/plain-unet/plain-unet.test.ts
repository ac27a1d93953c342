/** nnU-Net's plain U-Net: what it computes, and how it predicts whole volumes, are nnU-Net's. */
import { describe, expect, it } from 'vitest';
import { prepareVolume, readLabel, readVolume } from '../../../src/data/index.js';
import { networkFamilies } from '../../../src/networks/index.js';
import { mirrored } from '../../../src/networks/mirrored.js';
import { PlainUNet, plainUNet, plainUNetPlans } from '../../../src/networks/plain-unet/index.js';
import { slidingWindow, stepsOf } from '../../../src/networks/plain-unet/sliding-window.js';
import { countElements, initialiseModule } from '../../../src/nn/index.js';
import { applyPlan } from '../../../src/peft/index.js';
import { loadSegmenter, segmentVolume } from '../../../src/segmenter/index.js';
import { noGrad, onDevice, ones, type Tensor, tensor } from '../../../src/torch/index.js';
import { folder, reference, scan, segmentation } from './reference.js';

const furthest = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();
const trained = loadSegmenter(folder);
const network = trained.network as PlainUNet;

describe('a network that nnU-Net trained', () => {
  it('is the one of the plans, with the names of its labels', () => {
    expect(trained.classes).toEqual(['left lobe', 'right lobe']);
    expect(network.config.stages.map(({ features }) => features)).toEqual([4, 8, 10, 12]);
    expect(network.config.stages.map(({ stride }) => stride)).toEqual([
      [1, 1],
      [2, 2],
      [2, 2],
      [2, 1],
    ]);
    expect(network.config.patch).toEqual([24, 16]);
    expect(network.config.mirror).toEqual([0, 1]);
  });

  it('computes the logits that nnU-Net computes', () => {
    const logits = noGrad(() => network.forward(reference('network.input')));
    expect(furthest(logits, reference('network.logits'))).toBeLessThan(1e-4);
  });
});

describe.each(['plain', 'coarse'])('the scan %s', (name) => {
  const volume = readVolume(scan(name));
  const first = reference(`${name}.first`).item();

  it('is prepared as nnU-Net prepares it', () => {
    const want = reference(`${name}.prepared`);
    const { slices, shape } = prepareVolume(volume, trained.preprocessing);
    const [n, h, w] = want.shape;
    expect(shape.slice(1)).toEqual([h, w]);
    const got = tensor(slices.slice(first * h * w, (first + n) * h * w), want.shape);
    expect(furthest(got, want)).toBeLessThan(1e-4);
  });

  it('is predicted in patches and mirrored as by nnU-Net, where that sums in float32', () => {
    const logits = noGrad(() => network.predictLogits(reference(`${name}.prepared`).unsqueeze(1)));
    const want = reference(`${name}.logits`);
    expect(logits.shape).toEqual(want.shape);
    expect(furthest(logits, want)).toBeLessThan(1e-4);
  });

  it('gets the mask that nnU-Net gives it', () => {
    const want = readLabel(segmentation(name)).data;
    const got = segmentVolume(trained, volume);
    expect(want.filter((label) => label > 0).length).toBeGreaterThan(1000);
    expect(got.filter((label, i) => label !== want[i]).length).toBe(0);
  });
});

describe('patches', () => {
  it.each([
    [24, 24, [0]],
    [37, 24, [0, 6, 13]],
    [110, 64, [0, 23, 46]],
    [27, 16, [0, 6, 11]],
  ])('over %i pixels, %i each, begin where those of nnU-Net begin', (side, patch, starts) => {
    expect(stepsOf(side, patch)).toEqual(starts);
  });

  it('that all answer alike give that answer', () => {
    const images = ones([2, 1, 9, 30]);
    expect(
      furthest(
        slidingWindow(images, [16, 12], (patch) => patch.mul(3)),
        images.mul(3),
      ),
    ).toBeLessThan(1e-5);
  });

  it('are mirrored along every choice of the axes', () => {
    const seen: number[][] = [];
    const image = tensor([1, 2, 3, 4], [1, 1, 2, 2]);
    const mean = mirrored(image, [0, 1], (one) => {
      seen.push([...one.toArray()] as number[]);
      return one;
    });
    expect(seen).toEqual([
      [1, 2, 3, 4],
      [3, 4, 1, 2],
      [2, 1, 4, 3],
      [4, 3, 2, 1],
    ]);
    expect([...mean.toArray()]).toEqual([1, 2, 3, 4]);
  });
});

describe('a new network', () => {
  const config = plainUNet.configure('plain-unet', 2, { baseFeatures: 4, stages: 3 });

  it.each([
    [16, 16],
    [13, 30],
    [1, 5],
  ])('takes images of %i x %i pixels, whatever its strides', (h, w) => {
    const made = plainUNet.build(config) as PlainUNet;
    initialiseModule(made, 1, 'network');
    expect(noGrad(() => made.forward(ones([2, 1, h, w]))).shape).toEqual([2, 3, h, w]);
  });

  it('has as many parameters as nnU-Net plans for patches of 256 pixels, without the maps of deep supervision', () => {
    const count = onDevice('meta', () =>
      countElements(new PlainUNet(plainUNet.configure('plain-unet', 1, { stages: 7 })).parameters().values()),
    );
    expect(count).toBe(33_468_866);
  });

  it('trains of a plan what the plan says', () => {
    const trainedBy = (plan: string) => {
      const made = plainUNet.build(config);
      return [...applyPlan(made, plainUNetPlans[plan], plainUNet.adapter.parse({})).trained.keys()];
    };
    expect(trainedBy('norm').every((name) => /\.norm\.(weight|bias)$/.test(name))).toBe(true);
    expect(trainedBy('norm').length).toBe(2 * 2 * (3 + 2));
    const factors = trainedBy('convlora').filter((name) => name.includes('lora_'));
    expect(factors.length).toBe(2 * (2 * (3 + 2) + 2 + 1));
    expect(trainedBy('convlora-decoder').some((name) => name === 'decoder.transpconvs.0.weight')).toBe(true);
    expect(Object.keys(networkFamilies['plain-unet'].plans)).toContain(plainUNet.defaultPlan);
  });
});
