/** Runs the compiled command as a user does. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { brief } from '../child.js';

export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}
interface Settings {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

const withJson = (result: Result) => ({ ...result, json: () => JSON.parse(result.stdout) });

/** Runs it in a process of its own. */
export function graftProcess(args: string[], { file = main, env = {}, cwd }: Settings & { file?: string } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...brief, file, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    // One that does not end by itself is killed, and has no status.
    timeout: 100_000,
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, FORCE_COLOR: undefined, ...env },
  });
  return withJson({ status, stdout, stderr });
}

let thread: Worker | undefined;

/**
 * Runs it in a thread that stays: the same file with the same arguments, without the second that a process takes to load
 * the engine. What concerns the process itself (its end, signals, the installed package) is for `graftProcess`.
 */
export function graft(args: string[], { env = {}, cwd }: Settings = {}) {
  thread ??= new Worker(new URL('./warm.mjs', import.meta.url), { workerData: main, execArgv: [] });
  thread.unref();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const before = process.cwd();
  if (cwd !== undefined) process.chdir(cwd);
  thread.postMessage({ args, env: { FORCE_COLOR: undefined, ...env }, port: port2, done }, [port2]);
  const ended = Atomics.wait(done, 0, 0, 100_000) !== 'timed-out';
  process.chdir(before);
  if (!ended) throw new Error(`graft ${args.join(' ')} did not end`);
  return withJson(receiveMessageOnPort(port1)!.message as Result);
}
