/** The addon as TypeScript sees it. Tensors are handles (numbers) here; `tensor.ts` gives them a class. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { errorsOf } from '../core/index.js';
import { buildFolder, buildRecord, builtFromOther, findAgain, libtorchPresent } from './build.js';

export const engineErrors = {
  ENGINE_MISSING: {
    exit: 'engine',
    message: 'The engine (libtorch) could not be loaded: {reason}.',
    hint: 'Run "npx graft doctor": it says what was found and which command fixes it.',
  },
  DEVICE_MISSING: {
    exit: 'engine',
    message: 'The device {device} is not available here; there are: {devices}.',
    hint: 'Name one of these, or point LIBTORCH at a libtorch with CUDA and run "npm rebuild graft".',
  },
  FILE_SHRANK: {
    exit: 'data',
    message: '{file}: the file became shorter while it was being read.',
    hint: 'Another program cut or replaced it. Restore the file, then run the same command again.',
  },
} as const;
export const engineError = errorsOf(engineErrors);

/** What `resolve` tells of an operator; types are written as in ATen's schemas (`Tensor?`, `int[]`, …). */
export interface Schema {
  id: number;
  arguments: { name: string; type: string; required: boolean }[];
  returns: string[];
  inPlace: boolean;
}

/** Memory held on a device; all in bytes but `tensors`. The last three are known for CUDA alone. */
export interface MemoryStatistics {
  /** Tensors that JavaScript holds. */
  tensors: number;
  /** Their storage, shared storage once. */
  bytes: number;
  allocated?: number;
  reserved?: number;
  peak?: number;
}

interface Native {
  resolve(name: string, overload: string): Schema | undefined;
  call(id: number, ...values: unknown[]): unknown;
  fromArray(array: ArrayBufferView, dtype: number, shape: readonly number[], copy: boolean): number;
  toArrayBuffer(handle: number, copy: boolean): ArrayBuffer;
  describe(handle: number): [dtype: number, device: string, ...shape: number[]];
  item(handle: number): number;
  release(handle: number): void;
  releaseAll(handles: Float64Array, count: number): void;
  weigh(handle: number): number;
  unweigh(bytes: number): void;
  generator(seed: number): number;
  mapFile(path: string): ArrayBuffer;
  backward(handle: number, gradient: number | undefined, retain: boolean): void;
  grad(handle: number): number | undefined;
  setGrad(handle: number, gradient: number | undefined): void;
  requiresGrad(handle: number): boolean;
  setRequiresGrad(handle: number, value: boolean): void;
  setGradEnabled(enabled: boolean): boolean;
  setAutocast(device: string, enabled: boolean, dtype: number): [enabled: boolean, dtype: number];
  version(): string;
  configuration(): string;
  threads(): number;
  setThreads(count: number): void;
  manualSeed(seed: number): void;
  loadLibrary(path: string): void;
  cudaDevices(): number;
  trim(): void;
  keepFreed(keep: boolean): void;
  memory(device: string): MemoryStatistics;
}

function explained<Values extends unknown[], Result>(call: (...values: Values) => Result) {
  return (...values: Values): Result => {
    try {
      return call(...values);
    } catch (error) {
      throw explain(error);
    }
  };
}

/** An error of the addon; as a GraftError where a mapped file became shorter. */
export const explain = (error: unknown): unknown =>
  (error as { code?: string }).code === 'FILE_SHRANK'
    ? engineError('FILE_SHRANK', { file: (error as Error).message }, error)
    : error;

let loaded: Native | undefined;
let cudaProblem: string | undefined;

/** Why this libtorch's CUDA kernels could not be loaded; undefined where they were, or where it has none. */
export const cudaLoadProblem = (): string | undefined => cudaProblem;

const firstLine = (error: unknown) => (error as Error).message.split('\n')[0];

/**
 * The addon, loaded when it is first needed, so that `graft --help` and `graft doctor` work without one. Where the
 * libtorch has CUDA kernels they are loaded too.
 *
 * @throws GraftError ENGINE_MISSING
 */
export function native(): Native {
  if (loaded) return loaded;
  const built = buildRecord();
  if (!built) throw engineError('ENGINE_MISSING', { reason: 'it was not built' });
  if (builtFromOther(built))
    throw engineError('ENGINE_MISSING', { reason: 'it was compiled from the sources of another version of graft' });
  const record = libtorchPresent(built) ? built : findAgain(built);
  if (typeof record === 'string') throw engineError('ENGINE_MISSING', { reason: record });
  // OpenMP's threads wait by spinning unless told otherwise: two runs on one machine would then starve each other.
  process.env.OMP_WAIT_POLICY ??= 'passive';
  try {
    const addon = createRequire(import.meta.url)(join(buildFolder, 'graft.node')) as Native;
    // What reads tensors' memory may meet a damaged mapping; the errors of `call` are explained where operators are called.
    const { fromArray, toArrayBuffer, item } = addon;
    const readers = { fromArray: explained(fromArray), toArrayBuffer: explained(toArrayBuffer), item: explained(item) };
    loaded = { ...addon, ...readers };
  } catch (error) {
    throw engineError('ENGINE_MISSING', { reason: firstLine(error) }, error);
  }
  try {
    if (record.cuda) loaded.loadLibrary(join(record.lib, 'libtorch_cuda.so'));
  } catch (error) {
    // The wheel alone, without NVIDIA's, computes on the CPU; asking for a GPU ends in an error that there is none.
    cudaProblem = firstLine(error);
  }
  return loaded;
}
