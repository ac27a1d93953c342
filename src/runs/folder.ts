/**
 * A run's folder: what was asked for (`recipe.yaml`), with what (`run.json`), what happened (`metrics.jsonl`), what
 * training left for resuming (`checkpoints/`), and what came out (`models/`, `adapters/`, `results/`, `report.html`).
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { differences, writeFileAtomic } from '../core/index.js';
import { threads, torchVersion } from '../torch/index.js';
import { runError } from './errors.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

export class RunFolder {
  readonly path: string;

  /**
   * Opens the folder of a new run, or with `resume` that of an earlier start.
   *
   * @throws GraftError RUN_EXISTS, RUN_CHANGED, WRITE_FAILED
   */
  constructor(path: string, recipe: { seeds: number[] }, { resume = false } = {}) {
    this.path = path;
    const saved = this.file('recipe.yaml');
    if (existsSync(saved)) {
      if (!resume) throw runError('RUN_EXISTS', { folder: path });
      const changed = differences(parse(readFileSync(saved, 'utf8')), JSON.parse(JSON.stringify(recipe)));
      if (changed.length > 0) throw runError('RUN_CHANGED', { folder: path, changed: changed.join(', ') });
    } else writeFileAtomic(saved, stringify(recipe));
    writeFileAtomic(this.file('run.json'), `${JSON.stringify(environment(recipe), null, 2)}\n`);
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }
  has(...parts: string[]): boolean {
    return existsSync(this.file(...parts));
  }
  readJson<T>(...parts: string[]): T {
    return JSON.parse(readFileSync(this.file(...parts), 'utf8')) as T;
  }
  writeJson(value: unknown, ...parts: string[]): void {
    writeFileAtomic(this.file(...parts), `${JSON.stringify(value, null, 1)}\n`);
  }
  /** The lines of the log, without one that a crash cut short. A resumed run repeats lines: the last of equals holds. */
  readLog<Line>(): Line[] {
    if (!this.has('metrics.jsonl')) return [];
    return readFileSync(this.file('metrics.jsonl'), 'utf8')
      .split('\n')
      .flatMap((line): Line[] => {
        try {
          return [JSON.parse(line)];
        } catch {
          return [];
        }
      });
  }
  /** With what the run was made, for its report. */
  provenance(): [label: string, value: string][] {
    const { graft, git, libtorch, threads, node, machine } = this.readJson<Environment>('run.json');
    return [
      ['graft', [graft, git].filter(Boolean).join(', ')],
      ['libtorch', `${libtorch}, ${threads} threads`],
      ['Node.js', node],
      ['Machine', `${machine.processor}, ${machine.system}`],
    ];
  }
  /** Adds a line to the log; a line that a crash cut short is passed over by `readLog`. */
  log(event: Record<string, unknown>): void {
    mkdirSync(this.path, { recursive: true });
    appendFileSync(this.file('metrics.jsonl'), `${JSON.stringify(event)}\n`);
  }
}

/** SHA-256 of a file's bytes. */
export const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** What the numbers of a run depend on, besides the recipe. */
function environment({ seeds }: { seeds: number[] }) {
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

type Environment = ReturnType<typeof environment>;

/** The revision of graft's own checkout; null where it is installed as a package. */
function gitRevision(): string | null {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}
