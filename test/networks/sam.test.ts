/** Segment Anything: sizes and names are the reference code's; attention, windows and prompts do what they say. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/formats/index.js';
import { attendWithPositions, Sam, samArchitectures, samConfig, samSchema } from '../../src/networks/sam/index.js';
import { fromWindows, intoWindows } from '../../src/networks/sam/windows.js';
import { countElements, initialiseModule } from '../../src/nn/index.js';
import { autocast, cat, noGrad, operator, scope, softmax, type Tensor, tensor, zeros } from '../../src/torch/index.js';
import { root } from '../child.js';
import { eachDevice } from '../devices.js';

const config = samSchema.parse({
  imageSize: 64,
  embedDim: 32,
  depth: 3,
  heads: 2,
  globalAttention: [1],
  window: 3,
  promptDim: 32,
  decoderMlp: 48,
  classes: 2,
});
const model = (change: Partial<typeof config> = {}) => {
  const sam = new Sam({ ...config, ...change });
  initialiseModule(sam, 1, 'sam');
  return sam;
};
const randn = (shape: number[], device = 'cpu') =>
  (operator('aten::randn')(shape, { dtype: 'float32', device: 'cpu' }) as Tensor).to({ device });
const distance = (a: Tensor, b: Tensor) => a.sub(b).norm().item() / Math.max(b.norm().item(), 1e-6);
const shapes = (state: Map<string, Tensor>) => Object.fromEntries([...state].map(([name, { shape }]) => [name, shape]));

describe('ViT-B at 224 pixels', () => {
  it.each([
    [2, 90_532_927, 3_902_195],
    [1, 90_398_774, 3_768_042],
  ])('has the parameters of the reference with %d classes', (classes, all, decoder) => {
    const sam = new Sam(samConfig('sam-vit-b', { imageSize: 224, classes }));
    expect(countElements(sam.parameters().values())).toBe(all);
    expect(countElements(sam.maskDecoder.parameters().values())).toBe(decoder);
    expect(countElements(sam.promptEncoder.parameters().values())).toBe(6_220);
    expect(countElements(sam.imageEncoder.parameters().values())).toBe(86_624_512);
    expect(countElements(sam.imageEncoder.stages[0].parameters().values())).toBe(7_091_328);
    sam.dispose();
  });

  it('grows by its tables of positions only at 512 pixels', () => {
    const sam = new Sam(samConfig('sam-vit-b', { imageSize: 512, classes: 2 }));
    expect(countElements(sam.parameters().values())).toBe(91_187_263);
    sam.dispose();
  });
});

describe('configurations', () => {
  it('have names for three sizes of segment-anything and two smaller ones', () => {
    const depths = Object.entries(samArchitectures).map(([name, { depth }]) => [name, depth]);
    expect(Object.fromEntries(depths)).toEqual({
      'sam-vit-b': 12,
      'sam-vit-l': 24,
      'sam-vit-h': 32,
      'sam-small': 8,
      'sam-tiny': 4,
    });
    const tiny = new Sam(samConfig('sam-tiny', { imageSize: 64, classes: 1 }));
    expect(countElements(tiny.parameters().values())).toBeLessThan(1_000_000);
  });

  it.each([
    [{ imageSize: 100 }, /imageSize 100: .*multiple of 16/],
    [{ heads: 5 }, /heads 5: must divide embedDim/],
    [{ globalAttention: [3] }, /globalAttention 3: must name blocks below depth/],
    [{ classes: 0 }, /classes 0/],
  ])('refuse %j', (change, message) => {
    expect(() => new Sam({ ...config, ...change })).toThrow(message);
  });
});

describe('names and shapes', () => {
  it("are segment-anything's", () => {
    const { tensors } = readSafetensors(join(root, 'test/golden/sam-checkpoint/tensors.safetensors'));
    const golden = [...tensors].map(([name, { shape }]) => [name.replace('expected.', ''), shape]);
    const change = { depth: 4, globalAttention: [1, 3], decoderMlp: 64 };
    expect(golden.length).toBeGreaterThan(100);
    expect(shapes(new Sam({ ...config, ...change }).state())).toMatchObject(Object.fromEntries(golden));
  });
});

describe('relative positions', () => {
  /** As published, with the matrix of all pairs. */
  function plain(q: Tensor, k: Tensor, v: Tensor, rowTable: Tensor, columnTable: Tensor): Tensor {
    const [batch, heads, count, d] = q.shape;
    const n = Math.sqrt(count);
    const index = Array.from({ length: n * n }, (_, i) => Math.floor(i / n) - (i % n) + n - 1);
    const pick = (table: Tensor) => table.indexSelect(0, tensor(index, [n * n], { dtype: 'int64' })).reshape(n, n, d);
    const grid = q.reshape(batch * heads, n, n, d);
    const rows = grid.matmul(pick(rowTable).transpose(1, 2)); // [B·heads, row, column, key's row]
    const columns = grid.transpose(1, 2).matmul(pick(columnTable).transpose(1, 2)).transpose(1, 2);
    const bias = rows.unsqueeze(-1).add(columns.unsqueeze(-2)).reshape(batch, heads, count, count);
    return softmax(
      q
        .matmul(k.transpose(-2, -1))
        .mul(d ** -0.5)
        .add(bias),
      -1,
    ).matmul(v);
  }

  it('ride along in the dot product: values and gradients are those of the published form', () => {
    const size = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 3 }), (n, d, heads) => {
        scope(() => {
          const inputs = [0, 1, 2].map(() => randn([2, heads, n * n, d]));
          inputs.push(randn([2 * n - 1, d]), randn([2 * n - 1, d]));
          const [q, k, v, rows, columns] = inputs;
          const weights = randn([2, heads, n * n, d]);
          const run = (form: typeof plain) => {
            for (const input of inputs) {
              input.grad = undefined;
              input.requiresGrad = true;
            }
            const result = form(q, k, v, rows, columns);
            result.mul(weights).sum().backward();
            return [result, ...inputs.map(({ grad }) => grad!.reshape(-1))];
          };
          const wanted = run(plain);
          const got = run(attendWithPositions);
          wanted.forEach((want, i) => {
            expect(got[i].sub(want).norm().item()).toBeLessThan(1e-4 * (1 + want.norm().item()));
          });
        });
      }),
      { numRuns: 15 },
    );
  });
});

describe('windows', () => {
  it('go back together; what is added below and on the right is zero', () => {
    const side = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(side, side, side, (height, width, size) => {
        scope(() => {
          const tokens = randn([2, height, width, 3]);
          const windows = intoWindows(tokens, size);
          expect(windows.shape).toEqual([2 * Math.ceil(height / size) * Math.ceil(width / size), size, size, 3]);
          expect(windows.abs().sum().item()).toBeCloseTo(tokens.abs().sum().item(), 3);
          expect(distance(fromWindows(windows, height, width), tokens)).toBe(0);
        });
      }),
      { numRuns: 30 },
    );
  });
});

eachDevice('the model', (device) => {
  const sam = model();
  sam.to(device);

  it('gives a logit for the background and each class at every pixel', () => {
    scope(() => {
      const { logits, iou, embeddings } = noGrad(() => sam.forward(randn([2, 3, 64, 64], device)));
      expect(logits.shape).toEqual([2, 3, 64, 64]);
      expect(iou.shape).toEqual([2, 3]);
      expect(embeddings.shape).toEqual([2, 32, 4, 4]);
    });
  });

  it('treats each image of a batch alone', () => {
    scope(() => {
      const images = randn([3, 3, 64, 64], device);
      const all = noGrad(() => sam.forward(images));
      const alone = [0, 1, 2].map((i) => noGrad(() => sam.forward(images.narrow(0, i, 1))));
      expect(distance(all.logits, cat(alone.map(({ logits }) => logits)))).toBeLessThan(1e-4);
    });
  });

  it('can be run block by block', () => {
    scope(() => {
      const images = randn([1, 3, 64, 64], device);
      const { imageEncoder } = sam;
      let tokens = imageEncoder.embed(images);
      for (const stage of imageEncoder.stages) tokens = stage.forward(tokens);
      expect(distance(imageEncoder.finish(tokens), sam.encode(images))).toBe(0);
    });
  });

  it('computes in bfloat16 under autocast, near float32', () => {
    scope(() => {
      const images = randn([1, 3, 64, 64], device);
      const wanted = noGrad(() => sam.encode(images));
      const got = noGrad(() => autocast(() => sam.encode(images), { device: device.split(':')[0] }));
      expect(distance(got.to('float32'), wanted)).toBeLessThan(0.05);
    });
  });

  it('refuses images of another size', () => {
    expect(() => sam.forward(zeros([1, 3, 64, 80], { device }))).toThrow(/\[B, 3, 64, 64\].*\[1, 3, 64, 80\]/);
  });

  it('passes tokens through a block’s adapter before and after attention', () => {
    scope(() => {
      const [block] = sam.imageEncoder.stages;
      const tokens = randn([1, 4, 4, 32], device);
      const wanted = block.forward(tokens);
      block.adapter = { beforeAttention: (x) => x.mul(2), afterAttention: (x) => x };
      expect(distance(block.forward(tokens.mul(0.5)), wanted)).toBeLessThan(1e-6);
      block.adapter = { beforeAttention: (x) => x, afterAttention: (x) => x.add(1) };
      expect(distance(block.forward(tokens), wanted)).toBeGreaterThan(0.01);
      block.adapter = undefined;
    });
  });

  describe.each([
    ['the stock head', null, 4, 16],
    ['a mask for each class', 2, 3, 64],
  ])('prompts with %s', (_, classes, masks, side) => {
    const prompted = model({ classes });
    prompted.to(device);
    const places = tensor([10, 20, 40, 50, 5, 6, 30, 30], [2, 2, 2], { device });
    const labels = tensor([1, 0, 1, -1], [2, 2], { dtype: 'int64', device });
    const boxes = tensor([4, 5, 30, 40, 0, 0, 63, 63], [2, 4], { device });
    const shapeOf = randn([2, 1, 16, 16], device);
    const embeddings = noGrad(() => prompted.encode(randn([1, 3, 64, 64], device)));
    const ask = (prompts: Parameters<Sam['prompted']>[1]) => noGrad(() => prompted.prompted(embeddings, prompts));

    it('gives masks in the image’s size and in the decoder’s own', () => {
      scope(() => {
        for (const prompts of [{ points: { places, labels } }, { boxes }, { masks: shapeOf }]) {
          const { logits, lowResolution, iou } = ask(prompts);
          expect(logits.shape).toEqual([2, masks, 64, 64]);
          expect(lowResolution.shape).toEqual([2, masks, side, side]);
          expect(iou.shape).toEqual([2, masks]);
        }
      });
    });

    it('answers many prompts on one image as each alone', () => {
      scope(() => {
        const part = (i: number) => ({
          points: { places: places.narrow(0, i, 1), labels: labels.narrow(0, i, 1) },
          boxes: boxes.narrow(0, i, 1),
          masks: shapeOf.narrow(0, i, 1),
        });
        const all = ask({ points: { places, labels }, boxes, masks: shapeOf });
        const alone = cat([0, 1].map((i) => ask(part(i)).logits));
        expect(distance(all.logits, alone)).toBeLessThan(1e-4);
      });
    });

    it('does not look where a point is none, and does where it is one', () => {
      scope(() => {
        const moved = places.add(tensor([0, 0, 0, 0, 0, 0, 9, 9], [2, 2, 2], { device }));
        const before = ask({ points: { places, labels } }).logits;
        expect(distance(ask({ points: { places: moved, labels } }).logits, before)).toBe(0);
        const shown = tensor([1, 0, 1, 1], [2, 2], { dtype: 'int64', device });
        expect(distance(ask({ points: { places, labels: shown } }).logits, before)).toBeGreaterThan(1e-4);
      });
    });

    it('refuses prompts of the wrong shape', () => {
      const bad = tensor([1, 0], [1, 2], { dtype: 'int64', device });
      expect(() => ask({ points: { places, labels: bad } })).toThrow(/labels have shape \[1, 2\]; expected \[2, 2\]/);
      expect(() => ask({ boxes: places })).toThrow(/boxes/);
      expect(() => ask({ masks: zeros([1, 1, 64, 64], { device }) })).toThrow(/expected \[1, 1, 16, 16\]/);
    });
  });
});
