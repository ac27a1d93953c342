/** A whole experiment in two seconds, as a child process that can be watched, killed and resumed. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brief } from '../child.js';
import { graft, graftProcess, main } from '../cli/graft.js';

export const recipe = `
data:
  phantom: { seed: 1, scanners: [siemens-t1, philips-t2], cases: 3, spacing: 8 }
classes: [brain]
source: siemens-t1
targets: [philips-t2]
split:
  source: { train: 1, validation: 1, test: 1 }
  target: { adapt: 1, test: 2 }
architecture: { filters: 2 }
preprocessing: { spacing: 8, size: [32, 32] }
training: { epochs: 2, batch: 8, lr: 1.0e-2, headEpochs: 2 }
methods:
  - source
  - { method: udas, epochs: 2, batch: 8 }
  - { method: convlora-adabn, statistics: ema, epochs: 2, batch: 8, lr: 1.0e-2, guard: false }
device: cpu
threads: 1
`;

export function writeRecipe(folder: string): string {
  const file = join(folder, 'tiny.yaml');
  writeFileSync(file, recipe);
  return file;
}

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A moment of a run, in the words of its progress. */
export interface Moment {
  /** Matched against the latest task's name. */
  task: RegExp;
  /** Steps done in the task by then; 0: as soon as it begins. */
  step: number;
}

/** What a line of `--json` output says about progress. */
interface Line {
  progress?: { kind: string; name?: string; done?: number };
}

/** Runs `graft … --json`: to its end, or in a process of its own that gets the signal when the moment has come. */
export async function graftUntil(args: string[], signal?: NodeJS.Signals, moment?: Moment): Promise<Ended> {
  if (!signal) {
    const { status, stdout, stderr } = graft([...args, '--json']);
    return { status, signal: null, stdout, stderr };
  }
  const child = spawn(process.execPath, [...brief, main, ...args, '--json'], {
    env: { ...process.env, FORCE_COLOR: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, rest, task] = ['', '', '', ''];
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const { progress } of lines.map((line) => JSON.parse(line) as Line)) {
      if (progress?.kind === 'task') task = progress.name!;
      const done = progress?.kind === 'task' ? 0 : progress?.kind === 'step' ? progress.done! : -1;
      if (moment?.task.test(task) && done >= moment.step && !child.killed) child.kill(signal);
    }
  });
  return new Promise((resolve) =>
    child.on('close', (status, ended) => resolve({ status, signal: ended, stdout, stderr })),
  );
}

/** Runs `graft … --json` in a process of its own, which ends by itself. */
export function graftAlone(args: string[]): Ended {
  const { status, stdout, stderr } = graftProcess([...args, '--json']);
  return { status, signal: null, stdout, stderr };
}

/** The last document that the command printed: its result or its error. */
export const lastLine = ({ stdout }: Ended) => JSON.parse(stdout.trim().split('\n').at(-1)!);

/** SHA-256 by relative path of every file below these folders, but for what tells the time. */
export function hashes(run: string, ...folders: string[]): Record<string, string> {
  const found = folders.flatMap((folder) =>
    existsSync(join(run, folder))
      ? readdirSync(join(run, folder), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
      : [],
  );
  const content = (file: string) =>
    file.endsWith('.json') ? readFileSync(file, 'utf8').replace(/"seconds": [\d.]+/, '') : readFileSync(file);
  return Object.fromEntries(
    found.sort().map((file) => [relative(run, file), createHash('sha256').update(content(file)).digest('hex')]),
  );
}
