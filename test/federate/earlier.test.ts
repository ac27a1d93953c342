/** A folder as versions wrote it that had no keys of coordinators and no bounds by default is gone on with, to the same bits. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderStore, ledgerFile, readLedger, siteFolder } from '../../src/federate/index.js';
import { checkOf } from '../../src/federate/ledger.js';
import { memoryFile } from '../../src/federate/memory.js';
import { decodeStates, encodeStates } from '../../src/federate/state-bytes.js';
import { configOf, newFolder, of, regression, run } from './small.js';

const config = configOf({ rounds: 3, aggregation: 'product-svd', wire: 'int8' });

/** Runs until the second update of the second round was accepted. */
async function stopped(): Promise<string> {
  const [folder, end, from] = [newFolder(), new AbortController(), regression()];
  let trained = 0;
  const sites = from.sites.map(({ name, trainer }) => {
    const train: typeof trainer.train = async function* (round, signal) {
      if (round.round === 2 && trained++ === 2) end.abort();
      return yield* trainer.train(round, signal);
    };
    return { name, trainer: { ...trainer, train } };
  });
  await run(folder, config, { regression: { ...from, sites }, signal: end.signal });
  expect(readLedger(ledgerFile(folder)).at(-1)).toMatchObject({ kind: 'accepted', round: 2 });
  return folder;
}

/** Takes away what earlier versions did not write. */
function aged(folder: string): void {
  const file = ledgerFile(folder);
  let [check, federation] = ['', ''];
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const before = lines.map((line) => {
    const { entry } = JSON.parse(line);
    for (const key of ['key', 'nonce']) if (entry.kind === 'opened') delete entry[key];
    delete entry.state?.norm;
    for (const key of ['maxJump', 'maxWeightRatio']) delete entry.configuration?.[key];
    if (entry.kind === 'opened')
      federation = createHash('sha256').update(JSON.stringify(entry.configuration)).digest('hex').slice(0, 16);
    const json = JSON.stringify(entry);
    check = checkOf(check, json);
    return `{"check":"${check}","entry":${json}}\n`;
  });
  writeFileSync(file, before.join(''));
  rmSync(join(folder, 'coordinator', 'key.pem'));
  for (const site of ['a', 'b', 'c']) {
    const store = folderStore(siteFolder(folder, site));
    const names = ['local', 'personal', 'residue', 'received', 'update'] as const;
    const { parts, metadata } = decodeStates(store.read(memoryFile)!, names, memoryFile);
    const body = JSON.stringify({ ...JSON.parse(metadata.message), federation });
    const message = JSON.stringify({ body, signature: 'of then' });
    store.write(memoryFile, encodeStates(parts, { ...metadata, federation, message }));
  }
}

it('a federation that an earlier version left in the middle of a round goes on', async () => {
  const whole = of(await run(newFolder(), config), 'finished')[0];
  const folder = await stopped();
  aged(folder);
  const events = await run(folder, config);
  expect(of(events, 'finished')[0].fingerprint).toBe(whole.fingerprint);
  expect(of(events, 'trained').map(({ site, round }) => `${round} ${site}`)).not.toContain('2 a');
  // It may be asked for more, as one of today's.
  const more = await run(folder, configOf({ ...config, rounds: 4 }), { extend: true });
  expect(of(more, 'aggregated').map(({ round }) => round)).toEqual([4]);
});
