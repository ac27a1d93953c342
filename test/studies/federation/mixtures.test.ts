/** A federated run, and an evaluation of its masks, on sites whose cases have any mixture of sizes, spacings and slices. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { random } from '../../../src/core/index.js';
import { readVolume, writeMask, writeVolume } from '../../../src/data/index.js';
import { pretrainingSchema } from '../../../src/finetune/index.js';
import { makeFoundation, scoreFolder } from '../../../src/jobs/index.js';
import { loadAdapter, loadSegmenter, segmentVolume } from '../../../src/segmenter/index.js';
import {
  federationStudy,
  openRun,
  parseFederationRecipe,
  type RegimeResult,
  resultPath,
  runStudy,
} from '../../../src/studies/index.js';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-mixtures-'));
  const pretraining = pretrainingSchema.parse({ steps: 2, batch: 2, epoch: 2 });
  const job = { architecture: 'sam-tiny', settings: { imageSize: 32 }, pretraining, seed: 1, device: 'cpu' } as const;
  await ended(makeFoundation({ ...job, out: at('foundation.safetensors'), checkpoint: at('foundation.ckpt') }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function ended<Result>(work: AsyncGenerator<unknown, Result>): Promise<Result> {
  for (;;) {
    const { done, value } = await work.next();
    if (done) return value;
  }
}

/** Voxels and mm, [z, y, x]. */
interface Scan {
  shape: [number, number, number];
  spacing: [number, number, number];
}
const side = fc.integer({ min: 3, max: 32 });
const step = fc.constantFrom(0.5, 1, 3);
const scan: fc.Arbitrary<Scan> = fc.record({
  shape: fc.tuple(fc.constantFrom(1, 1, 2, 5), side, side),
  spacing: fc.tuple(fc.constantFrom(1, 2, 8), step, step),
});
const site = fc.tuple(scan, scan, scan);

/** A bright ball in noise and its label, which is empty where no voxel lies in the ball. */
function writeCase(root: string, origin: string, name: string, { shape, spacing }: Scan): void {
  const { normal } = random(1, origin, name);
  const [d, h, w] = shape;
  const radius = Math.min(h * spacing[1], w * spacing[2]) / 3;
  const label = Uint8Array.from({ length: d * h * w }, (_, i) => {
    const place = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    return Math.hypot(...place.map((v, axis) => (v - (shape[axis] - 1) / 2) * spacing[axis])) < radius ? 1 : 0;
  });
  const data = Float32Array.from(label, (inside) => 100 + 500 * inside + normal(0, 30));
  const affine = [spacing[2], 0, 0, 0, 0, spacing[1], 0, 0, 0, 0, spacing[0], 0, 0, 0, 0, 1];
  for (const kind of ['images', 'labels']) mkdirSync(join(root, origin, kind), { recursive: true });
  writeVolume(join(root, origin, 'images', `${name}.nii.gz`), { data, shape, affine });
  writeVolume(join(root, origin, 'labels', `${name}.nii.gz`), { data: label, shape, affine });
}

const settings = fc.record({
  plan: fc.constantFrom('flap-sam', 'ma-sam'),
  aggregation: fc.constantFrom('mean', 'fedsa', 'rolora'),
  spacing: fc.constantFrom(undefined, 2),
  overlap: fc.boolean(),
  validation: fc.constantFrom(0, 1),
});

it('goes through a round, scores every site and evaluates the masks to the same Dice', async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(site, site, settings, async (a, b, { plan, aggregation, spacing, overlap, validation }) => {
      const [data, out] = [at(`data${count}`), at(`run${count++}`)];
      for (const [origin, scans] of Object.entries({ a, b }))
        for (const [i, one] of scans.entries()) writeCase(data, origin, `case${i}`, one);
      const recipe = parseFederationRecipe(
        {
          ...{ sites: ['a', 'b'], classes: ['ball'], data: { root: data }, regimes: ['federated'], plans: [plan] },
          split: { train: 2 - validation, validation, test: 1 },
          model: { architecture: 'sam-tiny', imageSize: 32, checkpoint: at('foundation.safetensors') },
          ...(spacing && { preprocessing: { spacing } }),
          windows: { slices: plan === 'ma-sam' ? 3 : 1 },
          adapter: { rank: 2, ...(plan === 'ma-sam' && { slices: 3 }) },
          training: { batch: 2, lr: 5e-3, warmup: 1, overlap },
          federation: { rounds: 1, aggregation },
          ...{ device: 'cpu', threads: 1 },
        },
        'mixture.yaml',
      );
      await ended(runStudy(federationStudy, recipe, { out, file: 'mixture.yaml' }));

      const [{ cases, adapters }] = recipe.tasks.map((task) =>
        openRun(out).files.readJson<RegimeResult>(resultPath(task)),
      );
      expect(cases.map((one) => one.site)).toEqual(['a', 'b']);
      const model = loadSegmenter(join(out, 'models', 'seed1.safetensors'));
      for (const scored of cases) {
        const { file } = adapters.find(({ site }) => site === null || site === scored.site)!;
        model.use(loadAdapter(join(out, file)));
        const image = readVolume(join(data, scored.site, 'images', `${scored.name}.nii.gz`));
        writeMask(join(out, 'masks', scored.site, `${scored.name}.nii.gz`), segmentVolume(model, image), image.grid);
        const labels = join(data, scored.site, 'labels');
        const { scores } = await ended(
          scoreFolder(join(out, 'masks', scored.site), labels, ['ball'], recipe.toleranceMm, { missing: 'skip' }),
        );
        expect(scores).toEqual([{ name: scored.name, classes: scored.classes }]);
        expect(scores[0].classes.ball.dice).toBeGreaterThanOrEqual(0);
        // The truth of a mixture agrees with itself.
        const { scores: own } = await ended(scoreFolder(labels, labels, ['ball'], recipe.toleranceMm));
        expect(own.map(({ classes }) => classes.ball.dice)).toEqual([1, 1, 1]);
      }
      model.dispose();
    }),
    { numRuns: 4 },
  );
});
