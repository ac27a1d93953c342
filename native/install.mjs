// Finds libtorch or fetches it, then compiles the addon against it. Runs with `npm install` and with `npm rebuild graft`;
// never fails the installation: without an engine `graft doctor` says what to do.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { libtorchAt, locateLibtorch, ownFolder, root, systemLibtorch } from './locate.mjs';

const source = join(root, 'native');
const build = join(source, 'build');
const torchPackage = 'torch==2.13.0';

/** Puts PyTorch's libraries and headers into .libtorch; no Python runs afterwards. */
function fetchLibtorch() {
  console.log(`graft: no libtorch found; python3 -m pip fetches ${torchPackage} into .libtorch (a few minutes, once)`);
  const partial = `${ownFolder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile', '--disable-pip-version-check'];
  const { status } = spawnSync('python3', [...pip, '--target', partial, torchPackage], { stdio: 'inherit' });
  if (status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    return undefined;
  }
  rmSync(ownFolder, { recursive: true, force: true });
  renameSync(partial, ownFolder);
  return libtorchAt(ownFolder, 'graft (.libtorch)');
}

/** @param {import('./locate.mjs').Libtorch} libtorch */
function compile(libtorch) {
  const files = readdirSync(source)
    .filter((name) => name.endsWith('.cc'))
    .sort();
  const [major, minor] = libtorch.version.split('.').map(Number);
  const standard = major > 2 || (major === 2 && minor >= 10) ? 'c++20' : 'c++17';
  const compiler = process.env.CXX ?? (process.platform === 'darwin' ? 'clang++' : 'g++');
  const nodeHeaders = createRequire(import.meta.url)('node-api-headers').include_dir;
  const flags = [
    `-std=${standard}`,
    '-O2',
    '-fPIC',
    '-shared',
    '-Wall',
    `-D_GLIBCXX_USE_CXX11_ABI=${libtorch.cxx11Abi ? 1 : 0}`,
    '-DNAPI_VERSION=9',
    '-DNODE_GYP_MODULE_NAME=graft',
    `-I${source}`,
    // /usr/include is searched anyway, and naming it would change the order of the compiler's own folders.
    ...[nodeHeaders, ...libtorch.include]
      .filter((folder) => folder !== '/usr/include')
      .flatMap((folder) => ['-isystem', folder]),
  ];
  const link = [`-L${libtorch.lib}`, '-ltorch_cpu', '-lc10', `-Wl,-rpath,${libtorch.lib}`];
  if (process.platform === 'darwin') link.push('-undefined', 'dynamic_lookup');

  // One translation unit: libtorch's headers, nearly all of the work, are read once.
  const unit = files.map((name) => `#include "${name}"\n`).join('');
  const sources = ['engine.h', ...files].map((name) => readFileSync(join(source, name), 'utf8'));
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([compiler, flags, link, libtorch, sources]))
    .digest('hex');
  const record = join(build, 'build.json');
  try {
    if (JSON.parse(readFileSync(record, 'utf8')).fingerprint === fingerprint) return;
  } catch {
    // No earlier build, or an unreadable record: compile.
  }
  mkdirSync(build, { recursive: true });
  const target = join(build, 'graft.node');
  const fresh = join(build, `graft.${process.pid}.node`);
  console.log(`graft: compiling the engine against libtorch ${libtorch.version} (${libtorch.from})`);
  execFileSync(compiler, [...flags, '-x', 'c++', '-', '-o', fresh, ...link], {
    input: unit,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  renameSync(fresh, target);
  writeFileSync(record, JSON.stringify({ fingerprint, ...libtorch }, null, 2));
}

const libtorch = locateLibtorch() ?? (process.env.LIBTORCH ? undefined : (fetchLibtorch() ?? systemLibtorch()));
try {
  if (!libtorch)
    throw new Error(process.env.LIBTORCH ? `$LIBTORCH (${process.env.LIBTORCH}) holds no libtorch` : 'no libtorch');
  compile(libtorch);
} catch (error) {
  rmSync(join(build, 'build.json'), { force: true });
  const reason = error instanceof Error ? error.message.split('\n')[0] : error;
  console.error(`graft: the engine was not built: ${reason}.`);
  console.error(
    'graft: it needs a C++ compiler (apt-get install g++) and PyTorch (python3 -m pip install torch, or LIBTORCH=folder).',
  );
  console.error(
    `graft: then run "npm rebuild graft" (in a checkout: npm run install); "npx graft doctor" says what was found.`,
  );
}
