/** The power of a target's intensities: chosen without labels, kept in the adapter, used wherever the adapter is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { adapt, loadAdapter, observe, runNetwork, Segmenter, saveAdapter } from '../../src/adapt/index.js';
import { prepareVolume, preprocessingSchema } from '../../src/data/index.js';
import { fingerprint } from '../../src/nn/index.js';
import { configure, finish, small } from './small.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-gamma-'));
afterAll(() => rmSync(folder, { recursive: true }));

const candidates = [0.25, 0.5, 1, 2, 4];
const context = { seed: 1, name: 'target', toleranceMm: 2 };
/** A model and a target in [0, 1]. */
function ready() {
  const { model, target } = small();
  return { model, target: target.map((one) => ({ ...one, images: one.images.clamp(0, 1).keep() })) };
}
const raised = (target: ReturnType<typeof ready>['target'], gamma: number) =>
  target.map((one) => ({ ...one, images: one.images.pow(gamma).keep() }));

describe('the power of a target’s intensities', () => {
  it('is the candidate at which the source model has the least entropy', async () => {
    const { model, target } = ready();
    const head = model.heads.get(3)!;
    const entropies = candidates.map((gamma) => {
      const seen = raised(target, gamma).map((one) => observe(runNetwork(model, one.images, { head }), one, 1, 2));
      return seen.reduce((sum, { entropy }) => sum + entropy, 0);
    });
    const least = candidates[entropies.indexOf(Math.min(...entropies))];
    expect(new Set(entropies.map((entropy) => entropy.toFixed(4))).size, 'they differ').toBe(candidates.length);
    const { end } = await finish(
      adapt(model, target, configure({ method: 'adabn', statistics: 'frozen', gamma: candidates }), context),
    );
    expect(end.adapter.preprocessing.gamma).toBe(least);
    const others = candidates.filter((gamma) => gamma !== least);
    const without = await finish(adapt(model, target, configure({ method: 'adabn', gamma: others }), context));
    expect(others).toContain(without.end.adapter.preprocessing.gamma);
  });

  it.each(['convlora', 'convlora-adabn', 'self-training'] as const)(
    'is all that differs from a target that was so bright: %s',
    async (method) => {
      const { model, target } = ready();
      const [given, bright] = [
        await finish(adapt(model, target, configure({ method, gamma: [2] }), context)),
        await finish(adapt(model, raised(target, 2), configure({ method }), context)),
      ];
      expect(given.end.looks).toEqual(bright.end.looks);
      expect(fingerprint(given.end.adapter.state)).toBe(fingerprint(bright.end.adapter.state));
    },
  );

  it('is kept in the adapter’s file, comes and goes with the adapter, and stays after merging', async () => {
    const { model, target } = ready();
    const { end } = await finish(adapt(model, target, configure({ gamma: [0.5] }), context));
    expect(model.preprocessing.gamma).toBe(1);
    const file = join(folder, 'adapter.safetensors');
    saveAdapter(file, end.adapter);
    model.use(loadAdapter(file));
    expect(model.preprocessing.gamma).toBe(0.5);
    model.use(undefined);
    expect(model.preprocessing.gamma).toBe(1);
    model.use(end.adapter);
    model.merge();
    expect(model.preprocessing.gamma).toBe(0.5);
    const again = await finish(adapt(model, target, configure({ gamma: [0.5] }), context));
    expect(again.end.adapter.preprocessing.gamma, 'a power of a power').toBe(0.25);
  });

  it('is that of the prepared slices', () => {
    const data = Float32Array.from({ length: 4 * 24 * 16 }, (_, i) => (i * 37) % 101);
    const volume = { path: 'a.nii', data, shape: [4, 24, 16], spacing: [3, 1.3, 1.7] } as const;
    const prepare = (gamma: number) =>
      prepareVolume(
        { ...volume, shape: [...volume.shape], spacing: [...volume.spacing] },
        preprocessingSchema.parse({ gamma, spacing: 2 }),
      ).slices;
    const [plain, dark] = [prepare(1), prepare(2)];
    expect(plain.some((value) => value > 0.2 && value < 0.8)).toBe(true);
    expect(dark).toEqual(plain.map((value) => value ** 2));
  });

  it('is refused for z-scores, which have none', async () => {
    const preprocessing = preprocessingSchema.parse({ intensity: { kind: 'z-score' } });
    const model = new Segmenter({ architecture: { inChannels: 1, outChannels: 1, filters: 2 }, preprocessing });
    model.initialise(1);
    const { target } = ready();
    const adapting = finish(adapt(model, target, configure({ gamma: [0.5, 1] }), context));
    await expect(adapting).rejects.toMatchObject({ code: 'GAMMA_UNSUITED' });
    expect(preprocessingSchema.safeParse({ intensity: { kind: 'z-score' }, gamma: 2 }).success).toBe(false);
  });
});
