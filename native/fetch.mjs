// Fetches PyTorch's libraries and headers into .libtorch by pip. Only wheels whose SHA-256 is written down in torch.txt and
// torch-cpu.txt are taken, wherever pip has them from.
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { libtorchAt, ownFolder, root } from './locate.mjs';

/** What a file asks for, without the hashes. @param {string} name */
const requirements = (name) =>
  readFileSync(join(root, 'native', name), 'utf8')
    .split('\n')
    .filter((line) => /^\w/.test(line))
    .map((line) => line.replace(/\s*\\$/, ''));
const file = (/** @type {string} */ name) => ['-r', join(root, 'native', name)];
const pinned = [
  ['--require-hashes', ...file('torch-cpu.txt')],
  ['--require-hashes', ...file('torch.txt')],
];
// With what the wheel for Linux needs beside it, where pip has that, too.
const unpinned = [
  ['torch==2.13.0', ...requirements('torch.txt').filter((name) => name.startsWith('nvidia'))],
  ['torch==2.13.0'],
];

/** No Python runs afterwards. @returns {import('./locate.mjs').Libtorch | undefined} */
export function fetchLibtorch() {
  const accepted = process.env.GRAFT_UNPINNED_TORCH === '1';
  console.log('graft: no libtorch found; python3 -m pip fetches PyTorch into .libtorch (a few minutes, once)');
  const partial = `${ownFolder}.partial`;
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile', '--only-binary=:all:'];
  const said = [];
  for (const wanted of accepted ? unpinned : pinned) {
    rmSync(partial, { recursive: true, force: true });
    const options = ['--disable-pip-version-check', '--target', partial];
    const { status, stderr, error } = spawnSync('python3', [...pip, ...options, ...wanted], {
      stdio: ['ignore', 'inherit', 'pipe'],
      // As a variable, older versions of pip ignore it.
      env: { ...process.env, PIP_ROOT_USER_ACTION: 'ignore' },
      encoding: 'utf8',
    });
    if (status === 0) {
      rmSync(ownFolder, { recursive: true, force: true });
      renameSync(partial, ownFolder);
      return libtorchAt(ownFolder, 'graft (.libtorch)');
    }
    said.push(error?.message ?? stderr.trim());
  }
  rmSync(partial, { recursive: true, force: true });
  console.error(said.join('\n'));
  console.error(
    'graft: pip gave no PyTorch wheel that graft knows by its hash (native/torch.txt). What works all the same: PyTorch ' +
      'installed for python3 (python3 -m pip install torch), LIBTORCH=FOLDER with a libtorch of your own, or ' +
      'GRAFT_UNPINNED_TORCH=1, which takes the wheel that pip has, unchecked. docs/install.md has more.',
  );
  return undefined;
}
