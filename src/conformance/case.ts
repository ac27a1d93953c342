/** A golden case: a folder with `case.json` and `tensors.safetensors`, and how a result is compared with it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RawTensor, readSafetensors } from '../formats/index.js';
import type { Module, State } from '../nn/index.js';
import { fromBytes, type Tensor } from '../torch/index.js';

export type Precision = 'float32' | 'float64';

export interface GoldenCase {
  folder: string;
  kind: string;
  rtol: number;
  /** In which the case is computed: its float32 tensors are given in it. */
  precision: Precision;
  /** `case.json` as it stands. */
  description: Record<string, unknown>;
  raw: Map<string, RawTensor>;
}

/** A golden kind: runs the case and compares everything that it fixes. */
export type Kind = (golden: GoldenCase, comparison: Comparison) => void;

export function readCase(folder: string, precision: Precision): GoldenCase {
  const description = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
  const { tensors } = readSafetensors(join(folder, 'tensors.safetensors'));
  return { folder, kind: description.kind, rtol: description.rtol, precision, description, raw: tensors };
}

export function tensorOf({ raw, folder, precision }: GoldenCase, name: string): Tensor {
  const found = raw.get(name);
  if (!found) throw new Error(`${folder}: has no tensor ${name}`);
  const value = fromBytes(found.data, found.dtype, found.shape);
  return found.dtype === 'float32' ? value.to(precision) : value;
}

/** The tensors whose names begin with the prefix and a dot, without both. */
export function stateOf(golden: GoldenCase, prefix: string): State {
  const names = [...golden.raw.keys()].filter((name) => name.startsWith(`${prefix}.`));
  return new Map(names.map((name) => [name.slice(prefix.length + 1), tensorOf(golden, name)]));
}

/** Gives a module the values that the case has under the prefix, in the case's precision. */
export function load(module: Module, golden: GoldenCase, prefix: string, options: { partial?: boolean } = {}): void {
  module.loadState(stateOf(golden, prefix), { file: golden.folder, ...options });
  for (const value of module.state().values()) value.setData(value.to(golden.precision));
}

/** Collects the worst relative error ‖got − want‖ / max(‖want‖, 1e-6). */
export class Comparison {
  worst = 0;
  /** What `worst` was found on. */
  where = '';
  count = 0;

  tensor(name: string, got: Tensor | undefined, want: Tensor): void {
    if (!got || got.shape.join() !== want.shape.join()) {
      this.#note(name, Number.POSITIVE_INFINITY);
      return;
    }
    const difference = got.to('float64').sub(want.to('float64')).norm().item();
    this.#note(name, difference / Math.max(want.to('float64').norm().item(), 1e-6));
  }
  state(prefix: string, got: State, want: State): void {
    for (const [name, value] of want) this.tensor(`${prefix}.${name}`, got.get(name), value);
  }
  number(name: string, got: number, want: number): void {
    this.#note(name, got === want ? 0 : Math.abs(got - want) / Math.max(Math.abs(want), 1e-6));
  }
  #note(name: string, error: number): void {
    this.count++;
    // NaN is the worst there is, and stays it.
    if (Number.isNaN(this.worst) || error <= this.worst) return;
    this.worst = error;
    this.where = name;
  }
}
