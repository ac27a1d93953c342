/** Training plans: what is trained and what travels, counted on ViT-B, and how a plan is applied and undone. */
import { describe, expect, it } from 'vitest';
import { Sam, samAdapterSchema, samConfig, samPlans } from '../../src/networks/sam/index.js';
import { UNet2D } from '../../src/networks/unet2d/index.js';
import { countElements, fingerprint, initialiseModule } from '../../src/nn/index.js';
import { applyPlan } from '../../src/peft/index.js';
import { onDevice, ones, scope } from '../../src/torch/index.js';

const plansWith = (options: Record<string, unknown>, classes = 2) =>
  onDevice('meta', () => {
    const sam = new Sam(samConfig('sam-vit-b', { imageSize: 224, classes }));
    const count = (plan: string) => {
      const { trained, travelling, undo } = applyPlan(sam, samPlans[plan], samAdapterSchema.parse(options));
      const counts = [trained, travelling].map((state) => countElements(state.values()));
      undo();
      return [plan, counts] as const;
    };
    return new Map(Object.keys(samPlans).map(count));
  });

describe('on ViT-B at 224 pixels with rank 32', () => {
  const withoutAdapter = { attention: 31_681_152 };
  it.each([
    [2, { ...withoutAdapter, full: 90_532_927, decoder: 3_902_195, 'partial-decoder': 478_320, lora: 1_368_064 }],
    [2, { 'lora-decoder': 5_270_259, 'flap-sam': 1_846_384, fact: 3_976_179, 'ma-sam': 28_794_867 }],
    [1, { full: 90_398_774, decoder: 3_768_042, 'partial-decoder': 344_424, lora: 1_368_064 }],
    [1, { ...withoutAdapter, 'lora-decoder': 5_136_106, 'flap-sam': 1_712_488 }],
  ])('with %i foreground classes', (classes, want) => {
    const counts = plansWith({}, classes);
    for (const [plan, count] of Object.entries(want)) expect(counts.get(plan as string), plan).toEqual([count, count]);
  });

  it.each([
    [4, 649_328],
    [8, 820_336],
    [16, 1_162_352],
    [64, 3_214_448],
  ])('flap-sam with rank %i', (rank, want) => {
    expect(plansWith({ rank }).get('flap-sam')).toEqual([want, want]);
  });

  it('the mixing weights of three LoRAs are trained and stay: 3 in each of 19 attentions', () => {
    expect(plansWith({ count: 3 }).get('lora')).toEqual([4_104_249, 4_104_249 - 57]);
  });

  it("DoRA's magnitudes are trained and travel: 2 for each input of 19 attentions", () => {
    const magnitudes = 2 * (12 * 768 + 7 * 256);
    expect(plansWith({ kind: 'dora' }).get('lora')).toEqual([1_368_064 + magnitudes, 1_368_064 + magnitudes]);
  });

  it('takes no time and no memory, where tensors are shapes', () => {
    const before = process.memoryUsage.rss();
    plansWith({});
    expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(100); // MiB; the model alone would be 345
  });
});

describe('a plan', () => {
  const small = () => {
    const config = { imageSize: 32, embedDim: 16, depth: 2, heads: 2, globalAttention: [1], window: 2 };
    const sam = new Sam({ ...config, promptDim: 32, decoderMlp: 32, classes: 1 });
    initialiseModule(sam, 1, 'sam');
    return sam;
  };
  const options = { rank: 2, slices: 2, init: 'reference' };
  /** What a model without prompts and without a loss on its estimate of quality never reaches. */
  const unreached = /iou_prediction_head|prompt_encoder\.(point|not_a_point|mask_downscaling)/;

  it.each(Object.keys(samPlans))('%s trains what it names, nothing else, and leaves no trace', (name) => {
    const sam = small();
    const [names, before] = [[...sam.parameters().keys()], fingerprint(sam.state())];
    const { attached, trained, travelling, undo } = applyPlan(sam, samPlans[name], samAdapterSchema.parse(options), {
      seed: 3,
    });
    expect(attached === undefined).toBe(samPlans[name].adapter === undefined);
    for (const [path, value] of sam.parameters()) expect(value.requiresGrad, path).toBe(trained.has(path));
    for (const [path, value] of travelling) expect(trained.get(path)).toBe(value);

    scope(() =>
      sam
        .forward(ones([2, 3, 32, 32]))
        .logits.pow(2)
        .sum()
        .backward(),
    );
    for (const [path, { grad }] of trained) {
      // The token of the estimate takes part in the decoder's attention, its head does not.
      if (!unreached.test(path)) expect(grad, path).toBeDefined();
    }
    for (const [path, { grad }] of sam.parameters()) if (!trained.has(path)) expect(grad, path).toBeUndefined();

    undo();
    expect([...sam.parameters().keys()]).toEqual(names);
    expect(fingerprint(sam.state())).toBe(before);
    for (const [path, value] of sam.parameters()) expect(value.requiresGrad, path).toBe(false);
  });

  it('gives equal adapters for equal seeds', () => {
    const start = (seed: number) =>
      fingerprint(applyPlan(small(), samPlans['flap-sam'], samAdapterSchema.parse(options), { seed }).travelling);
    expect(start(1)).toBe(start(1));
    expect(start(1)).not.toBe(start(2));
  });

  it('can be undone after its adapter was merged', () => {
    const sam = small();
    const { attached, undo } = applyPlan(sam, samPlans['flap-sam'], samAdapterSchema.parse(options));
    attached?.merge();
    undo();
    expect([...sam.parameters().values()].some((value) => value.requiresGrad)).toBe(false);
  });

  it('that trains nothing in this network is an error', () => {
    const unet = new UNet2D({ inChannels: 1, outChannels: 1, filters: 2 });
    expect(() => applyPlan(unet, samPlans.decoder, samAdapterSchema.parse({}))).toThrow(
      expect.objectContaining({ code: 'PLAN_EMPTY' }),
    );
    expect(() => applyPlan(unet, samPlans['flap-sam'], samAdapterSchema.parse({}))).toThrow(
      expect.objectContaining({ code: 'ADAPTER_TARGET' }),
    );
    expect(() => applyPlan(unet, samPlans['ma-sam'], samAdapterSchema.parse({}))).toThrow(
      expect.objectContaining({ code: 'ADAPTER_PLACE' }),
    );
  });

  it('has options that refuse what makes no sense', () => {
    expect(samAdapterSchema.parse({})).toMatchObject({ rank: 32, scale: 1, count: 1, init: 'zero-b', slices: 5 });
    for (const bad of [{ kind: 'dora', count: 2 }, { slices: 0 }, { rnk: 2 }])
      expect(samAdapterSchema.safeParse(bad).success).toBe(false);
  });
});
