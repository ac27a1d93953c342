/** Runs the compiled command as a user does. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export function graft(
  args: string[],
  { file = main, env = {}, cwd }: { file?: string; env?: NodeJS.ProcessEnv; cwd?: string } = {},
) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    encoding: 'utf8',
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, FORCE_COLOR: undefined, ...env },
  });
  return { status, stdout, stderr, json: () => JSON.parse(stdout) };
}
