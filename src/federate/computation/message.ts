/** What the two threads of a computation say to each other. */
import type { State } from '../../nn/index.js';
import { fromBytes } from '../../torch/index.js';
import type { StateRecord } from '../entries.js';
import type { AggregatedState, ClosedRound, ReceivedUpdate, Setup } from './computation.js';

export interface Start {
  setup: Setup;
  /** Threads within an operator: other numbers give other bits. */
  threads: number;
}

export type Request =
  | { kind: 'judge'; value: ReceivedUpdate }
  | { kind: 'aggregate'; value: ClosedRound }
  | { kind: 'tensors'; value: StateRecord };

/** float32 tensors by name, as bytes. */
export type Packed = Map<string, { shape: number[]; bytes: Uint8Array<ArrayBuffer> }>;

/** What each request is answered with. */
export interface Values {
  judge: number;
  /** Corrections by the names of their factors. */
  aggregate: Omit<AggregatedState, 'corrections'> & { corrections: Packed };
  tensors: Packed;
}

export const pack = (state: State): Packed =>
  new Map([...state].map(([name, value]) => [name, { shape: value.shape, bytes: value.toBytes() }]));

/** The caller owns the tensors. */
export const unpack = (packed: Packed): State =>
  new Map([...packed].map(([name, { shape, bytes }]) => [name, fromBytes(bytes, 'float32', shape).keep()]));
