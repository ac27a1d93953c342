/**
 * What the installer built, and where its libtorch is now. The addon looks for its libraries in `native/build/libtorch`, a
 * link to their folder: within the package a relative one, so that a package that is moved or copied with its libtorch
 * still runs. Where the link leads nowhere any more, libtorch is looked for again and the link set anew; nothing has to be
 * compiled as long as it is the same version.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageFolder = join(dirname(fileURLToPath(import.meta.url)), '../..');
const sourceFolder = join(packageFolder, 'native');
export const buildFolder = join(sourceFolder, 'build');
const link = join(buildFolder, 'libtorch');

/** What the installer wrote beside the addon: the libtorch that it was compiled against. */
export interface BuildRecord {
  /** How it was found. */
  from: string;
  version: string;
  /** Digest of the sources that it was compiled from. */
  sources: string;
  /** Folder of the libraries, as the link says today. */
  lib: string;
  cxx11Abi: boolean;
  cuda: boolean;
}

/** The installer's record, or undefined where the addon was not built. */
export function buildRecord(): BuildRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(join(buildFolder, 'build.json'), 'utf8')) as BuildRecord;
    return { ...record, lib: linked() ?? link };
  } catch {
    return undefined;
  }
}

/** Whether the addon was compiled from other sources than the package holds; one without sources has none to compare. */
export function builtFromOther({ sources }: BuildRecord): boolean {
  const files = readdirSync(sourceFolder).filter((name) => name.endsWith('.cc'));
  if (files.length === 0) return false;
  const digest = createHash('sha256');
  for (const name of ['engine.h', ...files.sort()]) digest.update(readFileSync(join(sourceFolder, name)));
  return sources !== digest.digest('hex');
}

/** Where the link leads, or would; undefined where there is none. */
function linked(): string | undefined {
  try {
    return existsSync(link) ? realpathSync(link) : resolve(buildFolder, readlinkSync(link));
  } catch {
    return undefined;
  }
}

/** Whether the engine's libtorch is where the record says. */
export const libtorchPresent = ({ lib }: Pick<BuildRecord, 'lib'>): boolean =>
  ['libtorch_cpu.so', 'libtorch_cpu.dylib'].some((name) => existsSync(join(lib, name)));

/**
 * Looks for libtorch where the installer would, and sets the link to it.
 *
 * @returns the record with its new place, or why that cannot be
 */
export function findAgain(record: BuildRecord): BuildRecord | string {
  const gone = `libtorch is no longer in ${record.lib}`;
  const { stdout } = spawnSync(process.execPath, [join(packageFolder, 'native/locate.mjs')], { encoding: 'utf8' });
  const found = parse(stdout);
  if (!found) return `${gone}, and no other was found`;
  if (found.version !== record.version || found.cxx11Abi !== record.cxx11Abi)
    return `${gone}; the engine was built for ${record.version}, and ${found.lib} holds ${found.version}`;
  const fresh = `${link}.${process.pid}`;
  try {
    symlinkSync(found.lib, fresh);
    renameSync(fresh, link);
  } catch (error) {
    rmSync(fresh, { force: true });
    return `${gone}; it is in ${found.lib}, which could not be noted (${(error as Error).message})`;
  }
  return { ...record, ...found };
}

function parse(text: string | null): BuildRecord | undefined {
  try {
    return JSON.parse(text ?? '') ?? undefined;
  } catch {
    return undefined;
  }
}
