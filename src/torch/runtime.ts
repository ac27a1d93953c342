/** The machine as libtorch sees it, and what makes its numbers repeatable: threads and seeds. */
import { readFileSync } from 'node:fs';
import { buildRecord } from './build.js';
import { cudaLoadProblem, engineError, type MemoryStatistics, native } from './native.js';
import type { Handle } from './operators.js';

export type { MemoryStatistics } from './native.js';

/** libtorch's version, such as `2.13.0`. */
export const torchVersion = (): string => native().version();
/** Number of threads within an operator. The same bits come only with the same number. */
export const threads = (): number => native().threads();
/** Sets the number of threads within an operator. The same bits come only with the same number. */
export const setThreads = (count: number): void => native().setThreads(count);
/** Seeds libtorch's default generators on every device. */
export const manualSeed = (seed: number): void => native().manualSeed(seed);

/** `cpu`, then `cuda:0`, … */
export const devices = (): string[] => [
  'cpu',
  ...Array.from({ length: native().cudaDevices() }, (_, i) => `cuda:${i}`),
];

/**
 * The device to compute on.
 *
 * @param wanted `auto` (the first CUDA device, otherwise the CPU), `cpu`, `cuda` or `cuda:N`
 * @throws GraftError DEVICE_MISSING
 */
export function chooseDevice(wanted = 'auto'): string {
  const present = devices();
  if (wanted === 'auto') return present[1] ?? 'cpu';
  const device = wanted === 'cuda' ? 'cuda:0' : wanted;
  if (!present.includes(device)) throw engineError('DEVICE_MISSING', { device: wanted, devices: present.join(', ') });
  return device;
}

/**
 * Whether the processor multiplies bfloat16 itself. Where it does not, libtorch computes such products several times slower
 * than float32's. Undefined where the system does not tell (only Linux does).
 */
export function multipliesBfloat16(): boolean | undefined {
  try {
    return /^(flags|Features)\s*:.*\b(avx512_bf16|amx_bf16|bf16)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return undefined;
  }
}

/** What is held on a device: a leak shows as a growing number of tensors. */
export const memoryStatistics = (device = 'cpu'): MemoryStatistics => native().memory(device);

/**
 * Gives memory of tensors that were freed back to the system, which otherwise keeps the process as large as its gaps between
 * tensors make it (glibc; elsewhere it does nothing). It takes about a millisecond.
 */
export const releaseMemory = (): void => native().trim();

let keepers = 0;

/**
 * Until disposed, memory of tensors that were freed is kept for the next ones (glibc; elsewhere it does nothing). Otherwise
 * blocks above 32 MB go back to the system and come again cleared, which takes up to a quarter of a step. For work whose
 * steps are alike; the process stays as large as the largest of them meanwhile.
 */
export function keepFreedMemory(): Disposable {
  if (keepers++ === 0) native().keepFreed(true);
  return {
    [Symbol.dispose]() {
      if (--keepers > 0) return;
      native().keepFreed(false);
      releaseMemory();
    },
  };
}

/** A random number generator of its own for operators that take one, on the CPU. */
export class Generator implements Handle, Disposable {
  readonly handle: number;
  constructor(seed: number) {
    this.handle = native().generator(seed);
  }
  [Symbol.dispose](): void {
    native().release(this.handle);
  }
}

/**
 * The bytes of a file, read from the disk when they are touched. Where the file becomes shorter meanwhile, the missing
 * bytes are zeros and the next call that reads a tensor throws FILE_SHRANK.
 */
export const mapFile = (path: string): Uint8Array => new Uint8Array(native().mapFile(path));

/** What `graft doctor` prints of the engine; `problem` where it cannot be loaded. */
export interface EngineReport {
  torch?: { version: string; from: string; folder: string };
  cpu?: { capability: string; threads: number };
  devices: string[];
  problem?: string;
  /** Why the CUDA kernels of this libtorch could not be loaded. */
  cudaProblem?: string;
}

export function engineReport(): EngineReport {
  let computed: Omit<EngineReport, 'torch'>;
  try {
    const capability =
      native()
        .configuration()
        .match(/CPU capability usage: (\S+)/)?.[1] ?? 'unknown';
    const cudaProblem = cudaLoadProblem();
    computed = {
      cpu: { capability, threads: threads() },
      devices: devices(),
      ...(cudaProblem !== undefined && { cudaProblem }),
    };
  } catch (error) {
    computed = { devices: [], problem: (error as Error).message };
  }
  // Read afterwards: loading may have found libtorch in another place.
  const record = buildRecord();
  return { ...(record && { torch: { version: record.version, from: record.from, folder: record.lib } }), ...computed };
}
