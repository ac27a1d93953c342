// Finds libtorch or fetches it, then compiles the addon against it. Runs with `npm install` and with `npm rebuild graft`;
// never fails the installation: without an engine `graft doctor` says what to do.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { fetchLibtorch } from './fetch.mjs';
import { locateLibtorch, root, systemLibtorch } from './locate.mjs';

const source = join(root, 'native');
const build = join(source, 'build');
/** Where the addon looks for its libraries, see src/torch/build.ts. */
const link = join(build, 'libtorch');

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
  const here = process.platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const libraries = [`-L${libtorch.lib}`, '-ltorch_cpu', '-lc10', `-Wl,-rpath,${here}/libtorch`];
  if (process.platform === 'darwin') libraries.push('-undefined', 'dynamic_lookup');

  // One translation unit: libtorch's headers, nearly all of the work, are read once.
  const unit = files.map((name) => `#include "${name}"\n`).join('');
  // As `builtFromOther` in src/torch/build.ts computes it, which refuses an engine of other sources.
  const digest = createHash('sha256');
  for (const name of ['engine.h', ...files]) digest.update(readFileSync(join(source, name)));
  const sources = digest.digest('hex');
  // A package that was moved has the same engine.
  const given = JSON.stringify([compiler, flags, libraries, libtorch, sources]).replaceAll(root, '');
  const fingerprint = createHash('sha256').update(given).digest('hex');
  const record = join(build, 'build.json');
  try {
    if (JSON.parse(readFileSync(record, 'utf8')).fingerprint === fingerprint) {
      linkTo(libtorch.lib);
      return;
    }
  } catch {
    // No earlier build, or an unreadable record: compile.
  }
  mkdirSync(build, { recursive: true });
  const target = join(build, 'graft.node');
  const fresh = join(build, `graft.${process.pid}.node`);
  console.log(`graft: compiling the engine against libtorch ${libtorch.version} (${libtorch.from})`);
  execFileSync(compiler, [...flags, '-x', 'c++', '-', '-o', fresh, ...libraries], {
    input: unit,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  linkTo(libtorch.lib);
  renameSync(fresh, target);
  const { from, version, cxx11Abi, cuda } = libtorch;
  writeFileSync(record, JSON.stringify({ fingerprint, sources, from, version, cxx11Abi, cuda }, null, 2));
}

/** A relative link within the package, so that both can be moved together. @param {string} lib */
function linkTo(lib) {
  const inside = !relative(root, resolve(lib)).startsWith('..');
  const fresh = `${link}.${process.pid}`;
  symlinkSync(inside ? relative(build, lib) : resolve(lib), fresh);
  // A copy that followed links has a folder there.
  if (lstatSync(link, { throwIfNoEntry: false })?.isDirectory()) rmSync(link, { recursive: true });
  renameSync(fresh, link);
}

const libtorch = locateLibtorch() ?? (process.env.LIBTORCH ? undefined : (fetchLibtorch() ?? systemLibtorch()));
try {
  if (!libtorch)
    throw new Error(process.env.LIBTORCH ? `$LIBTORCH (${process.env.LIBTORCH}) holds no libtorch` : 'no libtorch');
  compile(libtorch);
  createRequire(import.meta.url)(join(build, 'graft.node'));
} catch (error) {
  rmSync(join(build, 'build.json'), { force: true });
  const reason = error instanceof Error ? error.message.split('\n')[0] : error;
  console.error(`graft: the engine was not built, or cannot be loaded: ${reason}.`);
  console.error(
    'graft: it needs a C++ compiler (apt-get install g++) and PyTorch (python3 -m pip install torch, or LIBTORCH=folder).',
  );
  console.error(
    `graft: then run "npm rebuild graft" (in a checkout: npm run install); "npx graft doctor" says what was found.`,
  );
}
