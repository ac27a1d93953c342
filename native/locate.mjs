// Where libtorch is on this machine: its libraries, headers, version and C++ ABI. Run as a program, it prints that as JSON.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Where the installer puts a libtorch of graft's own. */
export const ownFolder = join(root, '.libtorch');

const multiarch = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch] ?? '';

/**
 * @typedef {{ from: string, version: string, lib: string, include: string[], cxx11Abi: boolean, cuda: boolean }} Libtorch
 * `from`: how it was found; `lib`: folder of the shared libraries; `include`: header folders.
 */

/** Reads what is installed under a prefix (a wheel's `torch` folder, an unpacked libtorch, `/usr`).
 * @param {string} prefix @param {string} from @returns {Libtorch | undefined} */
export function libtorchAt(prefix, from) {
  for (const base of [prefix, join(prefix, 'torch')]) {
    const lib = [join(base, 'lib'), join(base, 'lib', multiarch), join(base, 'lib64')].find((folder) =>
      ['libtorch_cpu.so', 'libtorch_cpu.dylib'].some((name) => existsSync(join(folder, name))),
    );
    const include = [join(base, 'include'), join(base, 'include/torch/csrc/api/include')];
    const header = [join(include[0], 'torch/headeronly/version.h'), join(include[1], 'torch/version.h')].find(
      existsSync,
    );
    if (!lib || !header) continue;
    const text = readFileSync(header, 'utf8');
    const number = (/** @type {string} */ part) => text.match(new RegExp(`define TORCH_VERSION_${part} (\\d+)`))?.[1];
    const shared = (/** @type {string} */ name) =>
      existsSync(join(lib, `${name}.so`)) || existsSync(join(lib, `${name}.dylib`));
    // The wheels up to 2.6 were built with the old std::string; c10's symbols tell.
    const c10 = ['libc10.so', 'libc10.dylib'].map((name) => join(lib, name)).find((file) => existsSync(file));
    return {
      from,
      version: ['MAJOR', 'MINOR', 'PATCH'].map(number).join('.'),
      lib,
      include,
      cxx11Abi: c10 === undefined || readFileSync(c10).includes('SourceLocationENSt7__cxx1112basic_string'),
      cuda: shared('libtorch_cuda'),
    };
  }
  return undefined;
}

/** The torch that python3 would import, found without importing it. */
function pythonTorch() {
  const code =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
  try {
    return execFileSync('python3', ['-c', code], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** $LIBTORCH, python3's torch, graft's own copy: the first that is there.
 * @returns {Libtorch | undefined} */
export function locateLibtorch() {
  const named = process.env.LIBTORCH;
  if (named) return libtorchAt(named, '$LIBTORCH');
  const python = pythonTorch();
  return (python && libtorchAt(python, "python3's torch")) || libtorchAt(ownFolder, 'graft (.libtorch)');
}

/** What Debian's libtorch-dev installs. */
export const systemLibtorch = () => libtorchAt('/usr', 'the system (libtorch-dev)');

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(locateLibtorch() ?? (process.env.LIBTORCH ? null : (systemLibtorch() ?? null))));
