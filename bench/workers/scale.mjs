/**
 * A round in one process, over a transport in memory. Usage: scale.mjs sites COUNT | scale.mjs slices COUNT. A sample's value is
 * the most bytes that the process grew by.
 */
import { setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Coordinator,
  FederatedNetwork,
  FederatedSite,
  federationSchema,
  localTransport,
  memoryStore,
  runFederation,
  SiteTrainer,
} from '../../dist/federate/index.js';
import { merge, Turns } from '../../dist/federate/streams.js';
import { localTrainingSchema } from '../../dist/finetune/index.js';
import { sam, samConfig } from '../../dist/networks/sam/index.js';
import { Segmenter } from '../../dist/segmenter/index.js';
import { Generator, operator, setThreads, zeros } from '../../dist/torch/index.js';
import { idle } from '../shared/idle.mjs';
import { forgetPeak, memory, serve } from './worker.mjs';

const [axis, count] = [process.argv[2], Number(process.argv[3])];
setThreads(1);
const config = federationSchema.parse({ rounds: 1, aggregation: 'mean' });
const prepare = { sites: idleSites, slices: trainingSites }[axis];
const run = prepare();

await serve(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-scale-'));
  globalThis.gc();
  forgetPeak();
  const before = memory('RssAnon');
  try {
    for await (const event of run(folder)) if (event.kind === 'finished') break;
    return memory('VmHWM') - memory('RssFile') - before;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Very many sites without work, with their stores in memory. */
function idleSites() {
  const state = new Map(
    Object.entries({ lora_A: [3, 12], lora_B: [10, 3], bias: [10] }).map(([name, shape]) => {
      const value = zeros(shape);
      value.fill_(0.1);
      return [`layer.${name}`, value.keep()];
    }),
  );
  const trainer = idle(state);
  const names = Array.from({ length: count }, (_, k) => `site-${k}`);
  return async function* (folder) {
    const transport = localTransport();
    const parts = { plan: 'none', base: 'none', initial: state, sites: names };
    const coordinator = new Coordinator({ folder, config, transport, ...parts });
    const end = new AbortController();
    setMaxListeners(0, end.signal); // every site listens
    const turns = new Turns();
    const { publicKey } = coordinator;
    const sites = names.map(
      (name) => new FederatedSite({ name, trainer, transport, turns, store: memoryStore(), coordinator: publicKey }),
    );
    try {
      yield* merge([coordinator.run(end.signal), ...sites.map((site) => site.run(end.signal))]);
    } finally {
      end.abort();
    }
  };
}

/** Two sites that train on so many slices each. */
function trainingSites() {
  const size = 64;
  const windows = { slices: 1, scaling: 'volume' };
  const network = samConfig('sam-tiny', { imageSize: size, classes: 1 });
  const model = new Segmenter({ family: sam, config: network, classes: ['one'], preparation: { windows } });
  model.initialise(1);
  const training = localTrainingSchema.parse({ batch: 8, augmentation: null });
  const plan = 'flap-sam';
  const shared = new FederatedNetwork(model, { plan, adapter: { rank: 4 }, training, config });
  const uniform = operator('aten::rand.generator');
  const casesOf = (seed) => {
    const images = uniform([count, 1, size, size], { generator: new Generator(seed) });
    const labels = new Uint8Array(count * size * size).map((_, at) => at % 2);
    const one = { case: { site: 'site', name: 'case', image: 'case' }, images, labels };
    return [{ ...one, geometry: undefined, spacing: [1, 1, 1] }];
  };
  return (folder) => {
    const { base, planned } = shared;
    const sites = ['one', 'two'].map((name, seed) => ({
      name,
      trainer: new SiteTrainer(shared, { name, train: casesOf(seed) }),
    }));
    return runFederation({ folder, config, plan, base, initial: planned.travelling, sites });
  };
}
