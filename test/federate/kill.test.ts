/** A federation whose process is killed again and again ends with the bits of the undisturbed one. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { ledgerFile, readLedger } from '../../src/federate/index.js';
import { brief, compiled, root } from '../child.js';
import { newFolder } from './small.js';

// What rounds need and no more: loading all of `federate` would take most of the time of processes that soon die.
const library = ['federate/simulate', 'federate/config', 'nn/index', 'torch/index'].map((name) =>
  compiled(`${name}.js`),
);
const source = `
  const parts = await Promise.all(${JSON.stringify(library)}.map((url) => import(url)));
  const graft = Object.assign({}, ...parts);
  const { runToEnd } = await import(${JSON.stringify(pathToFileURL(join(root, 'test/federate/regression.mjs')).href)});
  graft.setThreads(1);
  const [folder, config] = process.argv.slice(-2);
  const onEvent = ({ kind }) => process.stdout.write(kind + '\\n');
  const { fingerprint } = await runToEnd(graft, folder, graft.federationSchema.parse(JSON.parse(config)), { onEvent, steps: 3 });
  process.stdout.write(fingerprint + '\\n');
`;

/** Starts or resumes a federation; it is killed some milliseconds after it told this many events. */
function start(folder: string, config: object, events = Number.POSITIVE_INFINITY, delay = 0) {
  const child = spawn(process.execPath, [
    ...brief,
    '--input-type=module',
    '--eval',
    source,
    folder,
    JSON.stringify(config),
  ]);
  let [out, errors] = ['', ''];
  child.stderr.on('data', (text) => {
    errors += text;
  });
  child.stdout.on('data', (text) => {
    out += text;
    if (out.split('\n').length > events) setTimeout(() => child.kill('SIGKILL'), delay);
  });
  return new Promise<{ signal: string | null; status: number | null; last: string; count: number; errors: string }>(
    (resolve) => {
      child.on('close', (status, signal) => {
        const lines = out.trim().split('\n');
        resolve({ signal, status, last: lines.at(-1) ?? '', count: lines.length, errors });
      });
    },
  );
}

/** All that the ledger says of updates, bytes and states, without times. */
const story = (folder: string) =>
  readLedger(ledgerFile(folder)).flatMap((entry) => {
    if (entry.kind === 'accepted')
      return [`${entry.round} ${entry.site} ${entry.norm} ${entry.blob.hash} ${entry.down} ${entry.up}`];
    return entry.kind === 'aggregated' ? [`${entry.round} ${JSON.stringify(entry.state)} ${entry.error}`] : [];
  });

describe('a federation whose process is killed', () => {
  it.each([
    [
      'product-svd in int8 with a server optimiser',
      { aggregation: 'product-svd', wire: 'int8', server: { optimiser: 'fedadam', lr: 0.05 } },
      20,
    ],
    ['fedex, whose frozen weights change', { aggregation: 'fedex' }, 4],
    ['rolora, which sends parts, with drawn sites', { aggregation: 'rolora', wire: 'bf16', sampling: 0.6 }, 4],
  ] as const)('at random moments ends as if nothing had been: %s', async (title, values, kills) => {
    const config = { rounds: 8, seed: 3, ...values };
    const undisturbed = newFolder();
    const whole = await start(undisturbed, config);
    expect(whole.errors).toBe('');
    expect(whole.last).toMatch(/^[0-9a-f]{64}$/);

    const folder = newFolder();
    const draw = random(7, title);
    let killed = 0;
    while (killed < kills) {
      const events = 1 + draw.integer(Math.ceil((0.8 * whole.count) / kills));
      const outcome = await start(folder, config, events, draw.uniform(0, 6));
      if (outcome.signal !== 'SIGKILL') {
        expect(outcome).toMatchObject({ status: 0, errors: '' });
        break;
      }
      killed++;
    }
    expect(killed).toBeGreaterThanOrEqual(kills / 2);
    const last = await start(folder, config);
    expect({ last: last.last, errors: last.errors }).toEqual({ last: whole.last, errors: '' });
    expect(story(folder).sort()).toEqual(story(undisturbed).sort());
  });
});
