/** With what a run is made: versions, threads, seeds and the machine. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../core/index.js';
import { threads, torchVersion } from '../torch/index.js';

/** What the numbers of a run depend on, besides the recipe. */
export function environment({ seeds }: { seeds: number[] }) {
  return {
    graft: version,
    git: gitRevision(),
    node: process.version,
    libtorch: torchVersion(),
    threads: threads(),
    seeds,
    machine: {
      system: `${process.platform} ${process.arch}`,
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
    },
  };
}

export type Environment = ReturnType<typeof environment>;

/** For a report. */
export const factsOf = ({
  graft,
  git,
  libtorch,
  threads,
  node,
  machine,
}: Environment): [label: string, value: string][] => [
  ['graft', [graft, git].filter(Boolean).join(', ')],
  ['libtorch', `${libtorch}, ${threads} threads`],
  ['Node.js', node],
  ['Machine', `${machine.processor}, ${machine.system}`],
];

/** With what this process computes, for a report. */
export const environmentFacts = (): [label: string, value: string][] => factsOf(environment({ seeds: [] }));

/** The revision of graft's own checkout; null where it is installed as a package, in a project with revisions of its own. */
function gitRevision(): string | null {
  const checkout = fileURLToPath(new URL('../..', import.meta.url));
  if (!existsSync(join(checkout, '.git'))) return null;
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      cwd: checkout,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}
