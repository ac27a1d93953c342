/**
 * Memory of a simulation of many sites: `npm run build && node bench/hundred-sites.mjs [SITES, default 100]`.
 *
 * One round of the plan `flap-sam` on SAM's ViT-B (224 px, two classes, rank 32, product-svd): every site trains for real,
 * on one slice of its own, and all share the frozen network. Printed are the peak before the first site and at the end, and what
 * that is for each site; a site's part is its optimiser's two moments (15 MB) in memory, its tensors lie in its folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FederatedNetwork, federationSchema, runFederation, SiteTrainer } from '../dist/federate/index.js';
import { localTrainingSchema } from '../dist/finetune/index.js';
import { sam, samConfig } from '../dist/networks/sam/index.js';
import { Segmenter } from '../dist/segmenter/index.js';
import { Generator, operator } from '../dist/torch/index.js';

const count = Number(process.argv[2] ?? 100);
const peak = () => process.resourceUsage().maxRSS / 2 ** 20;
const size = 224;

const windows = { slices: 1, scaling: /** @type {const} */ ('volume') };
const config = samConfig('sam-vit-b', { imageSize: size, classes: 2 });
const model = new Segmenter({ family: sam, config, classes: ['one', 'two'], preparation: { windows } });
model.initialise(1);
const federation = federationSchema.parse({ rounds: 1 });
const training = localTrainingSchema.parse({ batch: 1, augmentation: null });
const network = new FederatedNetwork(model, { plan: 'flap-sam', adapter: { rank: 32 }, training, config: federation });
const before = peak();

const uniform = operator('aten::rand.generator');
const sites = Array.from({ length: count }, (_, i) => {
  const images = uniform([1, 1, size, size], { generator: new Generator(i) });
  const labels = new Uint8Array(size * size).map((_, at) => (at + i) % 3);
  const one = { case: { site: `site${i}`, name: 'slice', image: 'slice' }, images, labels };
  const geometry = /** @type {never} */ (undefined);
  const train = [{ ...one, geometry, spacing: /** @type {[number, number, number]} */ ([1, 1, 1]) }];
  const name = `site${i}`;
  return { name, trainer: new SiteTrainer(network, { name, train }) };
});
const folder = mkdtempSync(join(tmpdir(), 'graft-sites-'));
const started = performance.now();
try {
  const { base, planned } = network;
  const options = { folder, config: federation, plan: 'flap-sam', base, initial: planned.travelling, sites };
  for await (const event of runFederation(options))
    if (event.kind === 'aggregated')
      console.log(`${Object.keys(event.weights).length} updates aggregated, error ${event.error?.toFixed(3)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const seconds = (performance.now() - started) / 1000;
const each = ((peak() - before) * 1024) / count;
console.log(
  `network alone ${before.toFixed(2)} GiB, ${count} sites ${peak().toFixed(2)} GiB: ${each.toFixed(0)} MiB a site`,
);
console.log(`one round ${seconds.toFixed(0)} s`);
