/**
 * Scores the models and adapters of a finished adaptation run on the slices that the network sees instead of the scans'
 * own grid, as evaluation scripts of the reference kind do: thick or fine voxels of the scans then count less.
 *
 *   npm run build && node bench/prepared-grid.mjs RUN DATA
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { masksOf } from '../dist/adapt/index.js';
import { runWithoutPauses } from '../dist/core/index.js';
import { loadSlices, readDataset, siteOf, sourceOfTensor } from '../dist/data/index.js';
import { evaluateLabels, meanOf, standardDeviation } from '../dist/metrics/index.js';
import { loadAdapter, loadSegmenter } from '../dist/segmenter/index.js';
import { setThreads } from '../dist/torch/index.js';

const [run, root] = process.argv.slice(2);
if (!root) throw new Error('usage: node bench/prepared-grid.mjs RUN DATA');
setThreads(1);
const recipe = parse(readFileSync(join(run, 'recipe.yaml'), 'utf8'));
const dataset = readDataset(root);
const methods = recipe.methods.map((one) => (typeof one === 'string' ? one : (one.name ?? one.method)));

/** Mean surface Dice of a model over prepared cases of one class. */
const score = (model, cases) =>
  meanOf(
    cases.map(({ images, labels, spacing }) => {
      const [n, , h, w] = images.shape;
      const options = { shape: [n, h, w], spacing, classes: [1], toleranceMm: recipe.toleranceMm };
      const { classes } = runWithoutPauses(masksOf(model, sourceOfTensor(images)));
      return evaluateLabels(labels, classes[0], options)[1].surfaceDice;
    }),
  );

const rows = new Map(methods.map((method) => [method, recipe.targets.map(() => [])]));
for (const seed of recipe.seeds) {
  const model = loadSegmenter(join(run, 'models', `seed${seed}.safetensors`));
  for (const [t, target] of recipe.targets.entries()) {
    const resultOf = (method) =>
      JSON.parse(readFileSync(join(run, 'results', `seed${seed}`, target, `${method}.json`), 'utf8'));
    const tested = resultOf(methods[0]).cases.map(({ name }) => name);
    const cases = siteOf(dataset, target).cases.filter(({ name }) => tested.includes(name));
    const prepared = loadSlices(cases, model.preprocessing, { classes: 2 });
    for (const method of methods) {
      const { adapter } = resultOf(method);
      model.use(adapter ? loadAdapter(join(run, adapter.file)) : undefined);
      rows.get(method)[t].push(score(model, prepared));
    }
    for (const { images } of prepared) images.dispose();
  }
  model.dispose();
}

const width = Math.max(...methods.map(({ length }) => length));
console.log(['method'.padEnd(width), ...recipe.targets.map((target) => target.padEnd(10)), 'mean', '  sd'].join('  '));
for (const [method, targets] of rows) {
  const perSeed = recipe.seeds.map((_, i) => meanOf(targets.map((values) => values[i])));
  const cells = targets.map((values) => meanOf(values).toFixed(3).padEnd(10));
  const spread = perSeed.length > 1 ? standardDeviation(perSeed).toFixed(3) : '–';
  console.log([method.padEnd(width), ...cells, meanOf(perSeed).toFixed(3), spread].join('  '));
}
