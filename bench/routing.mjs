/**
 * Which adapter unseen scans are routed to: `npm run build && node bench/routing.mjs RUN [METHOD, default adabn]`.
 *
 * RUN is the folder of a finished adaptation (`graft run phantom-scanners`). Scans that its first seed neither trained on nor
 * adapted to are routed among the adapters of all targets; of crossed targets, fold by fold. Printed are for each site how
 * many of its scans were given which adapter, whatever its probability; for how many that was below 0.5, of these how many
 * were wrong; and the mean probability of what was chosen.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runWithoutPauses } from '../dist/core/index.js';
import { readDataset, readVolume, tagsBeside } from '../dist/data/index.js';
import { Router } from '../dist/jobs/index.js';
import { loadSegmenter } from '../dist/segmenter/index.js';
import { adaptationStudy, findDataset, readAdaptationRecipe, splitName } from '../dist/studies/index.js';

const [run, method = 'adabn'] = process.argv.slice(2);
const certainty = 0.5;
const recipe = readAdaptationRecipe(join(run, 'recipe.yaml'));
const { source, targets } = recipe;
const seed = recipe.seeds[0];
const dataset = findDataset(recipe, run) ?? readDataset(join(run, 'data'));
const splits = adaptationStudy.split(recipe, dataset, seed);
const { folds } = recipe.split.target;
const columns = [null, ...targets];
/** @type {Map<string, import('../dist/jobs/index.js').Routing[]>} */
const routed = new Map([source, ...targets].map((site) => [site, []]));

const model = loadSegmenter(join(run, 'models', `seed${seed}.safetensors`));
for (const fold of folds === undefined ? [undefined] : Array.from({ length: folds }, (_, i) => i + 1)) {
  const folder = mkdtempSync(join(tmpdir(), 'graft-routing-'));
  try {
    for (const target of targets) {
      const file = fold === undefined ? `${method}.safetensors` : join(method, `fold${fold}.safetensors`);
      copyFileSync(join(run, 'adapters', `seed${seed}`, target, file), join(folder, `${target}.safetensors`));
    }
    const router = new Router(model, { folder, certainty: 0 });
    for (const site of routed.keys())
      for (const { image } of splits[site === source ? site : splitName(site, fold)].test ?? [])
        routed.get(site)?.push(runWithoutPauses(router.route(readVolume(image), tagsBeside(image))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

console.log(`| | base model | ${targets.join(' | ')} | below ${certainty} (wrong) | probability |`);
console.log(`| --- | ${columns.map(() => '---').join(' | ')} | --- | --- |`);
for (const [site, routings] of routed) {
  const right = site === source ? null : site;
  const counts = columns.map((column) => routings.filter(({ target }) => target === column).length);
  const unsure = routings.filter(({ probability }) => probability < certainty);
  const wrong = unsure.filter(({ target }) => target !== right).length;
  const mean = routings.reduce((sum, { probability }) => sum + probability, 0) / routings.length;
  console.log(`| ${site} | ${counts.join(' | ')} | ${unsure.length} (${wrong}) | ${mean.toFixed(2)} |`);
}
