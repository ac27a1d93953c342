/**
 * A study that is killed: `npm run build && node bench/faults/kills.mjs [--kills 200] [--rounds 40] [--seed 1]`. Coordinator,
 * two sites and the broker are real processes; one of them is killed (SIGKILL) at a random moment, again and again, and
 * every tenth time the broker loses its store. Printed is whether the final states and adapters have the bits of a run that nobody disturbed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { random } from '../../dist/core/index.js';
import { killAtRandom, makeStudy, Network } from '../../test/federation/programs.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'graft-kills-'));
const begun = Date.now();
const seconds = () => `${Math.round((Date.now() - begun) / 1000)} s`;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const made = join(folder, 'made');
await makeStudy(made, { rounds: Number(values.rounds) });
const calm = new Network(made, join(folder, 'calm'));
await calm.keepAll();
console.log(`undisturbed: ${seconds()}`);

const network = new Network(made, join(folder, 'disturbed'));
const draw = random(Number(values.seed), 'kills');
let over = false;
const all = network.keepAll().then(() => {
  over = true;
});
const kills = killAtRandom(network, {
  kills: Number(values.kills),
  random: () => draw.uniform(),
  until: () => over,
  told(name, i) {
    const wiped = i % 10 === 9;
    if (wiped) network.kill('broker', { wiped });
    if (i % 20 === 19) console.log(`${i + 1} kills: ${seconds()}; ${wiped ? 'the broker lost its store' : name}`);
  },
});
const [, counts] = await Promise.all([all, kills]);
console.log(`killed: ${JSON.stringify(counts)}; ${seconds()}`);
const same = isDeepStrictEqual(network.result(), calm.result());
console.log(same ? 'the same bits as undisturbed' : 'OTHER BITS', network.result());
process.exit(same ? 0 : 1);
