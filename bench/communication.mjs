/**
 * Bytes on the wire: `npm run build && node bench/communication.mjs [--rounds 25] [--plans full,flap-sam,…]`.
 *
 * SAM's ViT-B at 224 px with two classes and LoRA of rank 32, one site, real rounds of a coordinator and a site over the
 * local transport: every payload is encoded, signed, checked and decoded, and the ledger's count is what is printed. The
 * site does not train (its update is the global state plus a little noise): what travels does not depend on it. The plan
 * `full` moves 18 GB in 25 rounds; all together take some minutes, most of them on the disk.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { federationSchema, runFederation } from '../dist/federate/index.js';
import { Sam, samAdapterSchema, samConfig, samPlans } from '../dist/networks/sam/index.js';
import { initialiseModule } from '../dist/nn/index.js';
import { applyPlan } from '../dist/peft/index.js';
import { noGrad, operator, scope } from '../dist/torch/index.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    plans: { type: 'string', default: 'full,lora-decoder,flap-sam,flap-sam/bf16,flap-sam/int8' },
  },
});
const rounds = Number(values.rounds);
const normal = operator('aten::normal_');

/** @param {string} plan @param {string} wire */
async function measure(plan, wire) {
  const sam = new Sam(samConfig('sam-vit-b', { imageSize: 224, classes: 2 }));
  initialiseModule(sam, 1, 'network');
  const { travelling } = applyPlan(sam, samPlans[plan], samAdapterSchema.parse({ rank: 32 }), { seed: 1 });
  const trainer = {
    base: 'bench',
    slices: 1,
    cases: 1,
    load: () => {},
    travelling: () => travelling,
    localState: () => new Map(),
    async *train() {
      const [value] = travelling.values();
      scope(() => noGrad(() => value.add_(normal(value.clone(), 0, 1e-3))));
      yield;
      return { loss: 1 };
    },
  };
  const folder = mkdtempSync(join(tmpdir(), 'graft-communication-'));
  let bytes = 0;
  try {
    const config = federationSchema.parse({ rounds, wire, aggregation: 'mean' });
    const sites = [{ name: 'site', trainer }];
    for await (const event of runFederation({ folder, config, plan, base: 'bench', initial: travelling, sites }))
      if (event.kind === 'aggregated') bytes += event.down + event.up;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    sam.dispose();
  }
  return bytes;
}

let full;
for (const name of values.plans.split(',')) {
  const [plan, wire = 'fp32'] = name.split('/');
  const bytes = await measure(plan, wire);
  if (name === 'full') full = bytes;
  const ratio = full ? `   1/${(full / bytes).toFixed(2)} of full fp32` : '';
  console.log(`${name.padEnd(16)} ${rounds} rounds   ${(bytes / 1e6).toFixed(3).padStart(12)} MB${ratio}`);
}
