/**
 * What all figures share: processes that run one sample on demand, programs of which a sample is a whole run, samples of
 * several of them in turns, and medians. A worker prints a line of JSON when it is ready and one for every line "go" that
 * it reads.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
/** Where `npm install` put PyTorch, for a Python that has none of its own. */
const wheels = join(here, '../.libtorch');

/** Why a peer gives no samples: its Python, a package or a compiler is missing. */
class PeerError extends Error {}

/** A process that runs samples. */
class Worker {
  #process;
  #lines;
  #errors = '';
  #Failure;
  /** What it printed when it was ready. */
  about;

  constructor(command, args, { env = {}, Failure = Error } = {}) {
    this.#Failure = Failure;
    this.#process = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    this.#process.on('error', ({ message }) => {
      this.#errors += message;
    });
    this.#process.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors += text;
    });
    this.#process.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }
  static async start(command, args, options) {
    const worker = new Worker(command, args, options);
    worker.about = await worker.#answer();
    return worker;
  }
  async #answer() {
    const { done, value } = await this.#lines.next();
    if (done)
      throw new this.#Failure(`${this.#process.spawnargs.join(' ')} ended early:\n${this.#errors.slice(-2000)}`);
    return JSON.parse(value);
  }
  /** Runs one sample: its milliseconds, its value, and the peak of the process's memory in bytes so far. */
  sample() {
    this.#process.stdin.write('go\n');
    return this.#answer();
  }
  stop() {
    this.#process.stdin.end();
  }
}

/** A program of which a sample is a whole run, from its start to its end. */
class Program {
  #command;
  #options;
  constructor(command, options = {}) {
    this.#command = command;
    this.#options = options;
  }
  /** Its milliseconds, and those of the processor; bash adds some three to both. */
  async sample() {
    const { env = {}, Failure = Error, before } = this.#options;
    before?.();
    const begin = performance.now();
    const child = spawn('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', 'bash', ...this.#command], {
      ...{ env: { ...process.env, LC_ALL: 'C', ...env }, stdio: ['ignore', 'ignore', 'pipe'] },
    });
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    const ms = performance.now() - begin;
    if (code !== 0)
      throw new Failure(`${this.#command.join(' ')} failed:\n${errors.trim().split('\n').slice(0, -1).join('\n')}`);
    const seconds = errors.trim().split('\n').at(-1).split(' ').map(Number);
    return { ms, cpuMs: 1000 * (seconds[0] + seconds[1]) };
  }
  stop() {}
}

/** PyTorch for a peer: Python's own, or what `npm install` fetched. */
const ofPeer = {
  Failure: PeerError,
  env: {
    PYTHONPATH: [process.env.PYTHONPATH, wheels].filter(Boolean).join(':'),
    PYTHONWARNINGS: 'ignore',
    // An installed Python has its modules compiled; the first run does it here.
    PYTHONDONTWRITEBYTECODE: '',
    PYTHONPYCACHEPREFIX: join(tmpdir(), 'graft-bench-pycache'),
    // As graft sets it: two processes that wait by spinning would slow each other.
    OMP_WAIT_POLICY: 'passive',
  },
};
const fileOfPeer = (file) => join(here, 'peers', file);

/** A worker of bench/workers. */
export const own = (file, ...args) =>
  Worker.start(process.execPath, ['--expose-gc', join(here, 'workers', file), ...args.map(String)]);
/** A peer of bench/peers. */
export const peer = (python, file, ...args) => Worker.start(python, [fileOfPeer(file), ...args.map(String)], ofPeer);

/** The command `graft`, on so many threads. @param before is called before every run, which is not timed */
export const graft = (threads, args, before) =>
  new Program([process.execPath, join(here, '../dist/cli/main.js'), ...args.map(String)], {
    ...{ env: { OMP_NUM_THREADS: String(threads) }, before },
  });
/** A peer of bench/peers that does its work once and ends. */
export const peerProgram = (python, file, ...args) =>
  new Program([python, fileOfPeer(file), ...args.map(String)], ofPeer);

/** A folder for the time of some work. */
export async function* inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  try {
    yield* work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The value below which a share of the list lies. */
export function quantile(list, share) {
  const sorted = list.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at % 1);
}
export const median = (list) => quantile(list, 0.5);

/**
 * Samples of several workers in turns, so that what else the machine does meets all of them.
 * @returns for each worker its samples, without those of warming up
 */
export async function alternate(workers, { runs, warmup = runs > 1 ? 1 : 0 }) {
  const samples = workers.map(() => []);
  for (let run = -warmup; run < runs; run++)
    for (const [i, worker] of workers.entries()) {
      const sample = await worker.sample();
      if (run >= 0) samples[i].push(sample);
    }
  return samples;
}

/**
 * The row of a variant: samples of graft and of its peer in turns. Where the peer cannot run, the row says why instead.
 * @param starts begin the workers, graft's first
 * @param row makes the row of both lists of samples
 */
export async function compare(variant, starts, { runs, warmup }, row = stepRow) {
  const workers = [];
  try {
    for (const start of starts) workers.push(await start());
    return { variant, ...row(await alternate(workers, { runs, warmup })) };
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    return { variant, skipped: error.message.trim().split('\n').at(-1) };
  } finally {
    for (const worker of workers) worker.stop();
  }
}

/** The median of the quotients of samples that ran one after the other, with the quartiles. */
export function ratios(over, under) {
  const quotients = over.map((value, i) => value / under[i]);
  const round = (value) => Number(value.toPrecision(3));
  return { ratio: round(median(quotients)), spread: [0.25, 0.75].map((share) => round(quantile(quotients, share))) };
}

/**
 * A row for samples of graft and of a peer: their time, the processor's time, which other work on the machine changes
 * less, and, of workers, the peak of their resident memory.
 */
export function stepRow([graft, reference]) {
  const of = (field) => [graft, reference].map((samples) => samples.map((sample) => sample[field]));
  const [times, processor, peaks] = [of('ms'), of('cpuMs'), of('peak').map((list) => list.at(-1))];
  const inMemory = {
    megabytes: Math.round(peaks[0] / 1e6),
    peerMegabytes: Math.round(peaks[1] / 1e6),
    memoryRatio: Number((peaks[0] / peaks[1]).toPrecision(3)),
  };
  return {
    ...ratios(...times),
    cpuRatio: ratios(...processor).ratio,
    ms: Math.round(median(times[0])),
    peerMs: Math.round(median(times[1])),
    cpuMs: Math.round(median(processor[0])),
    peerCpuMs: Math.round(median(processor[1])),
    ...(peaks.every(Boolean) && inMemory),
    runs: graft.length,
  };
}

/** The largest difference between the values, numbers or lists of them, of samples that ran one after the other. */
export function largestDifference([graft, reference]) {
  const differences = graft.map(({ value }, run) => {
    const theirs = [reference[run].value].flat();
    return [value].flat().map((one, i) => Math.abs(one - theirs[i]));
  });
  return Number(Math.max(...differences.flat()).toPrecision(2));
}
