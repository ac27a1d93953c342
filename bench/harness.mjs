/**
 * What all figures share: processes that run one sample on demand, samples of several of them in turns, and medians.
 * A worker prints a line of JSON when it is ready and one for every line "go" that it reads.
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
/** Where `npm install` put PyTorch, for a Python that has none of its own. */
const wheels = join(here, '../.libtorch');

/** A process that runs samples. */
export class Worker {
  #process;
  #lines;
  #errors = '';
  /** What it printed when it was ready. */
  about;

  constructor(command, args, env = {}) {
    this.#process = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    this.#process.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors += text;
    });
    this.#process.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }
  static async start(command, args, env) {
    const worker = new Worker(command, args, env);
    worker.about = await worker.#answer();
    return worker;
  }
  async #answer() {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`${this.#process.spawnargs.join(' ')} ended early:\n${this.#errors.slice(-2000)}`);
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

/** A worker of bench/workers. */
export const own = (file, ...args) =>
  Worker.start(process.execPath, ['--expose-gc', join(here, 'workers', file), ...args.map(String)]);
/** A peer of bench/peers: PyTorch, as Python's own or as `npm install` fetched it. */
export const peer = (python, file, ...args) =>
  Worker.start(python, [join(here, 'peers', file), ...args.map(String)], {
    PYTHONPATH: [process.env.PYTHONPATH, wheels].filter(Boolean).join(':'),
    PYTHONWARNINGS: 'ignore',
    // As graft sets it: two processes that wait by spinning would slow each other.
    OMP_WAIT_POLICY: 'passive',
  });

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
export async function alternate(workers, { runs, warmup = 1 }) {
  const samples = workers.map(() => []);
  for (let run = -warmup; run < runs; run++)
    for (const [i, worker] of workers.entries()) {
      const sample = await worker.sample();
      if (run >= 0) samples[i].push(sample);
    }
  return samples;
}

/** The median of the quotients of samples that ran one after the other, with the quartiles. */
export function ratios(over, under) {
  const quotients = over.map((value, i) => value / under[i]);
  const round = (value) => Number(value.toPrecision(3));
  return { ratio: round(median(quotients)), spread: [0.25, 0.75].map((share) => round(quantile(quotients, share))) };
}

/**
 * A row for steps of graft and of a peer: their time, the processor's time, which other work on the machine changes less,
 * and the peak of their resident memory.
 */
export function stepRow([graft, reference]) {
  const of = (field) => [graft, reference].map((samples) => samples.map((sample) => sample[field]));
  const [times, processor, peaks] = [of('ms'), of('cpuMs'), of('peak').map((list) => list.at(-1))];
  return {
    ...ratios(...times),
    cpuRatio: ratios(...processor).ratio,
    memoryRatio: Number((peaks[0] / peaks[1]).toPrecision(3)),
    ms: Math.round(median(times[0])),
    peerMs: Math.round(median(times[1])),
    cpuMs: Math.round(median(processor[0])),
    peerCpuMs: Math.round(median(processor[1])),
    megabytes: Math.round(peaks[0] / 1e6),
    peerMegabytes: Math.round(peaks[1] / 1e6),
    runs: graft.length,
  };
}
