/** Node processes that use the compiled package (`dist/`), for what a test cannot do inside its own process. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
if (!existsSync(dist)) throw new Error('dist/ is missing: run "npm run build" before these tests');

/** URL of a compiled module, such as `torch/index.js`. */
export const compiled = (module: string, folder = dist): string => pathToFileURL(join(folder, module)).href;

/**
 * Options for processes that live for seconds: V8 compiles only what runs long, which would take as much time as the work.
 * Later versions have no such option.
 */
export const brief = Number.parseInt(process.versions.v8, 10) < 12 ? ['--interrupt-budget=1000000'] : [];

export interface Outcome {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** Runs `node` with these arguments and waits for its end. */
export function runNode(args: string[]): Outcome {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...brief, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 100_000,
  });
  return { status, signal, stdout, stderr };
}

/** Runs a module given as text; what it prints last is parsed as JSON. */
export function runModule<T>(source: string, flags: string[] = []): T {
  const { status, signal, stdout, stderr } = runNode([...flags, '--input-type=module', '--eval', source]);
  if (status !== 0) throw new Error(`the child ended with ${status ?? signal}:\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
}
