/** A package that was moved or copied after it was built finds its libtorch, or says why it cannot. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { engineReport } from '../../src/torch/index.js';
import { root } from '../child.js';

const library = realpathSync(engineReport().torch!.folder);
const folder = mkdtempSync(join(tmpdir(), 'graft-moved-'));
const link = join(folder, 'native/build/libtorch');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const part of ['dist/core', 'dist/torch', 'native/build', 'native/locate.mjs', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true, verbatimSymlinks: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  rmSync(link, { recursive: true, force: true });
});

/** What the copied engine says of itself, and a sum that it computes. */
function compute(env: NodeJS.ProcessEnv) {
  const program = `
    import { engineReport, ones } from './dist/torch/index.js';
    const { torch, problem } = engineReport();
    console.log(JSON.stringify({ folder: torch.folder, problem, sum: problem ? undefined : ones([5]).sum().item() }));`;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, LIBTORCH: undefined, ...env },
  });
  return JSON.parse(said);
}

/** A folder that looks like a libtorch of another version. */
function otherLibtorch(): string {
  const other = join(folder, 'other');
  mkdirSync(join(other, 'include/torch/headeronly'), { recursive: true });
  mkdirSync(join(other, 'lib'));
  writeFileSync(join(other, 'lib/libtorch_cpu.so'), '');
  const version = ['MAJOR 1', 'MINOR 99', 'PATCH 0'].map((part) => `#define TORCH_VERSION_${part}\n`);
  writeFileSync(join(other, 'include/torch/headeronly/version.h'), version.join(''));
  return other;
}

it('runs with the libtorch that was moved along with it', () => {
  mkdirSync(join(folder, '.libtorch/torch'), { recursive: true });
  symlinkSync(library, join(folder, '.libtorch/torch/lib'));
  symlinkSync('../../.libtorch/torch/lib', link);
  expect(compute({ LIBTORCH: '/nowhere' })).toEqual({ sum: 5, folder: library });
});

it('finds libtorch again where the installer would, and notes the place', () => {
  symlinkSync('/nowhere/lib', link);
  expect(compute({ LIBTORCH: dirname(library) })).toEqual({ sum: 5, folder: library });
  expect(readlinkSync(link)).toBe(library);
  expect(compute({ LIBTORCH: '/nowhere' })).toEqual({ sum: 5, folder: library });
});

it('says where libtorch was and that there is none', () => {
  symlinkSync('/nowhere/lib', link);
  const { problem } = compute({ LIBTORCH: '/nowhere' });
  expect(problem).toContain('libtorch is no longer in /nowhere/lib, and no other was found');
});

it('does not load a libtorch of another version', () => {
  symlinkSync('/nowhere/lib', link);
  const { problem, sum } = compute({ LIBTORCH: otherLibtorch() });
  expect(problem).toContain(`the engine was built for ${engineReport().torch!.version}`);
  expect(problem).toContain('other/lib holds 1.99.0');
  expect(sum).toBeUndefined();
});
