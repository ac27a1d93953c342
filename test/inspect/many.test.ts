/** Data sets with more cases than a person looks at: memory stays flat, and a signal is heard between any two steps. */
import { execFileSync, spawn } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeInspection } from '../../src/cli/commands/data/describe-inspection.js';
import { casesOnSheet, inspectFolder } from '../../src/jobs/index.js';
import { root } from '../child.js';
import { temporaryTree } from '../layouts/tree.js';

const tree = temporaryTree();
const cases = (count: number) => {
  const image = tree.image('one.nii.gz');
  mkdirSync(tree.at('set/s/images'), { recursive: true });
  for (let i = 0; i < count; i++) linkSync(image, tree.at('set/s/images', `c${i}.nii.gz`));
  return tree.at('set');
};
const oneCase = () => {
  tree.image('few/s/images/one.nii.gz');
  return tree.at('few');
};

describe('many cases', () => {
  it('go to a further contact sheet whenever one is full', async () => {
    const work = inspectFolder(cases(casesOnSheet + 1), { sheet: tree.at('sheets/s.png') });
    const kinds: string[] = [];
    let step = await work.next();
    for (; !step.done; step = await work.next()) kinds.push(step.value.kind);
    expect(step.value.sheets).toEqual(['s.png', 's-2.png'].map((name) => tree.at('sheets', name)));
    expect(readdirSync(tree.at('sheets'))).toEqual(['s-2.png', 's.png']);
    const text = describeInspection(step.value, Number.POSITIVE_INFINITY, (words) => words);
    expect(text).toContain(`Contact sheets: ${tree.at('sheets/s.png')} to ${tree.at('sheets/s-2.png')}`);
    // Between two steps there is always a moment in which a signal is heard.
    expect(kinds.filter((kind) => kind === 'pause').length).toBeGreaterThan(2 * casesOnSheet);
  });

  it('leave no sheet behind when they become fewer, and no other picture is touched', async () => {
    const sheet = tree.at('fewer/s.png');
    mkdirSync(tree.at('fewer/s-2.png.d'), { recursive: true });
    for (const name of ['s-2.png', 's-3.png', 's-5.png', 's-old.png', 't-2.png'])
      writeFileSync(tree.at('fewer', name), 'of an earlier look');
    const work = inspectFolder(oneCase(), { sheet });
    for (let step = await work.next(); ; step = await work.next())
      if (step.done) {
        expect(step.value.sheets).toEqual([sheet]);
        break;
      }
    // s-5.png is no sheet of a set that has no s-4.png.
    expect(readdirSync(tree.at('fewer')).sort()).toEqual(['s-2.png.d', 's-5.png', 's-old.png', 's.png', 't-2.png']);
  });

  it.skipIf(process.platform === 'win32')('end soon after a signal, beside a pipe that nobody fills', async () => {
    const set = cases(1500);
    execFileSync('mkfifo', [join(set, 's', 'images', 'pipe.nii.gz')]);
    const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'data', 'inspect', set, '--sheet', 'none']);
    await new Promise((begun) => child.stderr.once('data', begun));
    const started = Date.now();
    child.kill('SIGTERM');
    const status = await new Promise((ended) => child.once('exit', ended));
    expect(status).toBe(130);
    expect(Date.now() - started).toBeLessThan(5000);
  });
});
