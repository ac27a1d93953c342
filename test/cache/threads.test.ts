/** Filling the cache on several threads and from several processes, with the compiled package. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadSlices } from '../../src/data/index.js';
import { compiled, runModule } from '../child.js';
import { contents, preprocessing, read, writeCase } from './cases.js';

const root = mkdtempSync(join(tmpdir(), 'graft-threads-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
/** Enough bytes that threads are worth their start. */
const cases = [1, 2, 3, 4, 5].map((seed) => writeCase(root, `case${seed}`, { seed, shape: [10, 100, 100] }));
const prepared = contents(loadSlices(cases, preprocessing, { classes: 2 }));

/** A module that fills the cache in `folder`, then runs `then`, where `events` are the steps that were told. */
const filling = (folder: string, given: object[], then: string, before = '') => `
  import { cachedSlices } from '${compiled('data/index.js')}';
  const reading = cachedSlices(${JSON.stringify(given)}, ${JSON.stringify(preprocessing)}, {
    folder: ${JSON.stringify(folder)}, classes: 2,
  });
  const events = [];
  let slices, error;
  try {
    for (;;) {
      const { done, value } = await reading.next();
      if (done) { slices = value; break; }
      if (typeof value === 'number') events.push(value);
      ${before}
    }
  } catch (caught) { error = caught; }
  ${then}`;

describe('several threads', () => {
  it('prepare the same bits, in the order of the cases, and tell how far they are', async () => {
    const folder = join(root, 'threads');
    const told = runModule(
      filling(folder, cases, 'console.log(JSON.stringify([events, slices.map((one) => one.case.name)]))'),
    );
    expect(told).toEqual([
      [1, 2, 3, 4, 5],
      ['case1', 'case2', 'case3', 'case4', 'case5'],
    ]);
    const names = readdirSync(folder);
    expect(names).toHaveLength(5);
    for (const [i, one] of cases.entries())
      expect(contents((await read(folder, [one])).slices), 'found, not made').toEqual([prepared[i]]);
    expect(readdirSync(folder)).toEqual(names);
  });

  it('name a file that cannot be used, as typed error, and leave what is done', () => {
    const broken = join(root, 'broken.nii');
    writeFileSync(broken, Buffer.alloc(2 ** 23));
    const folder = join(root, 'mistake');
    const error = runModule(
      filling(
        folder,
        [{ ...cases[0], image: broken }, ...cases.slice(1)],
        'const { name, code, message, hint, exitCode } = error; console.log(JSON.stringify({ name, code, message, hint, exitCode }))',
      ),
    );
    expect(error).toMatchObject({ name: 'GraftError', code: 'NIFTI_EXPECTED', exitCode: 3, hint: expect.any(String) });
    expect((error as Error).message).toContain(broken);
    expect(readdirSync(folder).filter((name) => !/^[0-9a-f]{64}\.safetensors$/.test(name))).toEqual([]);
  });

  it('leave whole entries and nothing else when the work is ended early', () => {
    const folder = join(root, 'ended');
    runModule(filling(folder, cases, 'console.log(0)', 'await reading.return();'));
    const names = readdirSync(folder);
    expect(names.filter((name) => !/^[0-9a-f]{64}\.safetensors$/.test(name))).toEqual([]);
  });
});

describe('several processes', () => {
  it('share a folder while both fill it, and mend what a third one damaged', async () => {
    const folder = join(root, 'shared');
    const start = () =>
      new Promise<{ status: number | null; said: string }>((resolve) => {
        const source = filling(folder, cases, 'console.log(slices.map((one) => one.images.sum().item()).join())');
        const child = spawn(process.execPath, ['--input-type=module', '--eval', source]);
        let said = '';
        child.stdout.on('data', (chunk) => (said += chunk));
        child.stderr.on('data', (chunk) => (said += chunk));
        child.on('close', (status) => resolve({ status, said }));
      });
    const [a, b] = await Promise.all([start(), start()]);
    expect(a).toEqual({ status: 0, said: expect.stringMatching(/^\d/) });
    expect(b).toEqual(a);
    const names = readdirSync(folder);
    expect(names).toHaveLength(5);
    truncateSync(join(folder, names[0]), 1000);
    truncateSync(join(folder, names[1]), 0);
    expect(await start()).toEqual(a);
    expect(contents((await read(folder, cases.slice(0, 1))).slices)).toEqual(prepared.slice(0, 1));
    expect(readdirSync(folder)).toEqual(names);
  });

  it('keep what they have mapped when an entry is replaced or the folder is removed', async () => {
    const folder = join(root, 'removed');
    const { slices } = await read(folder, cases.slice(0, 1));
    rmSync(folder, { recursive: true });
    expect(existsSync(folder)).toBe(false);
    expect(contents(slices)).toEqual(prepared.slice(0, 1));
  });
});
