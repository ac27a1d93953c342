/**
 * Scores the models and adapters of a finished adaptation run on the slices that the network sees instead of the scans'
 * own grid, as evaluation scripts of the reference kind do: thick or fine voxels of the scans then count less.
 *
 *   npm run build && node bench/prepared-grid.mjs RUN DATA
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadAdapter, loadModel, runNetwork } from '../dist/adapt/index.js';
import { loadCase, prepareLabel, prepareVolume, readDataset, siteOf } from '../dist/data/index.js';
import { evaluateLabels } from '../dist/metrics/index.js';
import { setThreads, tensor } from '../dist/torch/index.js';

const [run, root] = process.argv.slice(2);
if (!root) throw new Error('usage: node bench/prepared-grid.mjs RUN DATA');
setThreads(1);
const recipe = parse(readFileSync(join(run, 'recipe.yaml'), 'utf8'));
const dataset = readDataset(root);
const methods = recipe.methods.map((one) => (typeof one === 'string' ? one : (one.name ?? one.method)));
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const sd = (values) =>
  Math.sqrt(
    mean(values.map((value) => (value - mean(values)) ** 2)) * (values.length / Math.max(1, values.length - 1)),
  );

/** Mean surface Dice of a model over cases, both on the grid of its slices. */
function score(model, cases) {
  const scores = cases.map((one) => {
    const { image, label } = loadCase(one, { classes: 2 });
    const { slices, shape, geometry } = prepareVolume(image, model.preprocessing);
    const [n, h, w] = shape;
    const images = tensor(slices, [n, 1, h, w]);
    const mask = Uint8Array.from(runNetwork(model, images).probabilities, (p) => (p > 0.5 ? 1 : 0));
    images.dispose();
    const spacing = [image.spacing[0], ...geometry.spacing];
    const options = { shape, spacing, classes: [1], toleranceMm: recipe.toleranceMm };
    return evaluateLabels(prepareLabel(label, model.preprocessing), mask, options)[1].surfaceDice;
  });
  return mean(scores);
}

console.log(['method'.padEnd(18), ...recipe.targets.map((target) => target.padEnd(10)), 'mean', '  sd'].join('  '));
const rows = new Map(methods.map((method) => [method, recipe.targets.map(() => [])]));
for (const seed of recipe.seeds) {
  const model = loadModel(join(run, 'models', `seed${seed}.safetensors`));
  for (const [t, target] of recipe.targets.entries())
    for (const method of methods) {
      const file = join(run, 'results', `seed${seed}`, target, `${method}.json`);
      const { cases, adapter } = JSON.parse(readFileSync(file, 'utf8'));
      const scored = siteOf(dataset, target).cases.filter(({ name }) => cases.some((one) => one.name === name));
      model.use(adapter ? loadAdapter(join(run, adapter.file)) : undefined);
      rows.get(method)[t].push(score(model, scored));
    }
  model.dispose();
}
for (const [method, targets] of rows) {
  const perSeed = recipe.seeds.map((_, i) => mean(targets.map((values) => values[i])));
  const cells = targets.map((values) => mean(values).toFixed(3).padEnd(10));
  console.log([method.padEnd(18), ...cells, mean(perSeed).toFixed(3), sd(perSeed).toFixed(3)].join('  '));
}
