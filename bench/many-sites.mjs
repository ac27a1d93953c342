/**
 * Memory and time of rounds of very many sites with next to no tensors, so that what is seen is what coordinator and sites
 * keep of one another: `npm run build && node bench/many-sites.mjs [--sites 300,1000,3000] [--rounds 2]`.
 *
 * All sites are in one process and share one network of 76 numbers; what they train is nothing. Each count runs in a process
 * of its own, on one thread. Printed are the bytes of a round's task, the peak of the process's memory above what it was before
 * the first site, in all and for each site, and the seconds of a round.
 *
 * docs/results.md has the figures.
 */
import { spawnSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Coordinator, FederatedSite, federationSchema, localTransport, memoryStore } from '../dist/federate/index.js';
import { merge, Turns } from '../dist/federate/streams.js';
import { setThreads, zeros } from '../dist/torch/index.js';
import { idle } from './shared/idle.mjs';

const { values } = parseArgs({
  options: {
    sites: { type: 'string', default: '300,1000,3000' },
    rounds: { type: 'string', default: '2' },
    one: { type: 'string' },
  },
});

/** @param {number} count @param {number} rounds */
async function measure(count, rounds) {
  setThreads(1);
  const state = new Map(
    Object.entries({ lora_A: [3, 12], lora_B: [10, 3], bias: [10] }).map(([name, shape]) => {
      const value = zeros(shape);
      value.fill_(0.1);
      return [`layer.${name}`, value.keep()];
    }),
  );
  const trainer = idle(state);
  const folder = mkdtempSync(join(tmpdir(), 'graft-many-'));
  const peak = () => process.resourceUsage().maxRSS / 1024;
  const before = peak();
  let longest = 0;
  const plain = localTransport();
  /** @type {typeof plain} */
  const transport = {
    ...plain,
    publishTask(task) {
      longest = Math.max(longest, task.length);
      return plain.publishTask(task);
    },
  };
  const names = Array.from({ length: count }, (_, k) => `site-${k}`);
  const config = federationSchema.parse({ rounds, aggregation: 'mean' });
  const coordinator = new Coordinator({
    folder,
    config,
    plan: 'none',
    base: 'none',
    initial: state,
    sites: names,
    transport,
  });
  const end = new AbortController();
  setMaxListeners(0, end.signal); // every site listens
  const turns = new Turns();
  const sites = names.map(
    (name) =>
      new FederatedSite({ name, trainer, transport, turns, store: memoryStore(), coordinator: coordinator.publicKey }),
  );
  const start = performance.now();
  for await (const event of merge([coordinator.run(end.signal), ...sites.map((site) => site.run(end.signal))]))
    if (event.kind === 'finished') break;
  end.abort();
  const seconds = (performance.now() - start) / 1000 / rounds;
  const grown = peak() - before;
  rmSync(folder, { recursive: true });
  console.log(
    `${String(count).padStart(6)} sites: task ${longest} bytes, ${grown.toFixed(0)} MiB, ` +
      `${((grown * 1024) / count).toFixed(0)} KiB a site, ${seconds.toFixed(1)} s a round`,
  );
}

if (values.one) await measure(Number(values.one), Number(values.rounds));
else
  for (const count of values.sites.split(',')) {
    const program = [fileURLToPath(import.meta.url), '--one', count, '--rounds', values.rounds];
    spawnSync(process.execPath, program, { stdio: 'inherit' });
  }
