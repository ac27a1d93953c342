// Compiles src/ to dist/ (JavaScript and declarations), bundles the command there, and page/ into dist/page. A published
// package comes with dist/ and without src/.
//
// npm runs this again at times that nobody expects, such as before `npx graft` in a fresh clone, while another command
// or a test is at work in dist/. So dist/ always holds a whole program: the compiler writes aside, files that changed are
// renamed into place one by one, and those that are no longer made go last. What did not change is not touched.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bundlePage, isCurrent } from './page.mjs';
import { bundleProgram, entry } from './program.mjs';

const aside = `.dist-${process.pid}`;

/** @param {string} folder */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));

/** @param {string} a @param {string} b */
const same = (a, b) =>
  existsSync(b) && statSync(a).mode === statSync(b).mode && readFileSync(a).equals(readFileSync(b));

/** Folders of builds that were killed. */
function removeLeftovers() {
  for (const name of readdirSync('.')) {
    const pid = Number(/^\.dist-(\d+)$/.exec(name)?.[1]);
    if (pid && !alive(pid)) rmSync(name, { recursive: true, force: true });
  }
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

async function build() {
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', aside], {
    stdio: 'inherit',
    shell: true,
  });
  if (status !== 0) return status ?? 1;
  await bundleProgram(aside);
  chmodSync(join(aside, entry), 0o755);
  const bundled = existsSync('page') && !isCurrent('dist/page');
  if (bundled) await bundlePage(join(aside, 'page'));
  // The entry comes last, after the parts that it names.
  const made = filesIn(aside).sort((a, b) => Number(a === entry) - Number(b === entry));
  for (const name of made) {
    const [fresh, target] = [join(aside, name), join('dist', name)];
    if (same(fresh, target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    renameSync(fresh, target);
  }
  const kept = new Set(made);
  /** @param {string} name */
  const stays = (name) => kept.has(name) || (!bundled && existsSync('page') && name.startsWith('page/'));
  for (const name of filesIn('dist')) if (!stays(name)) rmSync(join('dist', name), { force: true });
  return 0;
}

if (existsSync('src')) {
  removeLeftovers();
  try {
    process.exitCode = await build();
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
