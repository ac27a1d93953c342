/**
 * The global state: the tensors that sites receive, as they will see them, and what the coordinator needs to go on from
 * them (what was lost on the wire, moments of its optimiser). A round makes a new one.
 */
import { copyState, disposeState, fingerprint, pick, type State } from '../nn/index.js';
import type { Aggregated, Correction } from './aggregation/index.js';
import type { Blobs } from './blobs.js';
import type { Federation } from './config.js';
import { codeCorrections } from './corrections.js';
import type { StateRecord } from './ledger.js';
import { serverStep } from './server.js';
import { decodeStates, encodeStates } from './state-bytes.js';
import {
  type CodedState,
  decodePayload,
  encodePayload,
  type Payload,
  receive,
  send,
  wireFormats,
} from './wire/index.js';

/** What every payload of a federation says of itself. */
export interface Label {
  base: string;
  plan: string;
  config: Federation;
}

/** Where tensors come from that the coordinator kept itself, for messages. */
export const ownFolder = 'the coordinator’s own folder';

const metadataOf = ({ base, plan, config }: Label, round: number) => ({
  format: 'graft-federation',
  from: 'coordinator',
  round: String(round),
  base,
  plan,
  aggregation: config.aggregation,
  wire: config.wire,
});

export class GlobalState {
  readonly tensors: State;
  readonly #label: Label;
  readonly #coded: CodedState;
  readonly #residue: State;
  readonly #moments: State;

  private constructor(label: Label, tensors: State, coded: CodedState, residue: State, moments: State) {
    this.#label = label;
    this.tensors = tensors;
    this.#coded = coded;
    this.#residue = residue;
    this.#moments = moments;
  }

  /** As the first sites receive it. @param initial float32 */
  static begin(label: Label, initial: State): GlobalState {
    const { coded, seen, residue } = send(initial, wireFormats[label.config.wire], new Map());
    return new GlobalState(label, seen, coded, residue, new Map());
  }

  static restore(label: Label, blobs: Blobs, { payload, memory }: StateRecord): GlobalState {
    const { wire, compression } = label.config;
    const format = wireFormats[wire];
    const options = { limit: payload.length, from: ownFolder };
    const { coded } = decodePayload(blobs.get(payload), format, compression, options);
    const { parts } = decodeStates(blobs.get(memory), ['residue', 'moments'], blobs.fileOf(memory));
    return new GlobalState(label, receive(coded, format), coded, parts.residue, parts.moments);
  }

  /** The state after a round; this one stays as it is. */
  next(aggregated: Aggregated): GlobalState {
    const { config } = this.#label;
    const moved = serverStep(this.tensors, aggregated.tensors, this.#moments, config.server);
    const { coded, seen, residue } = send(moved.tensors, wireFormats[config.wire], this.#residue);
    disposeState(moved.tensors);
    const unchanged = (state: State) => copyState(pick(state, (name) => !coded.has(name)));
    return new GlobalState(
      this.#label,
      new Map([...unchanged(this.tensors), ...seen]),
      new Map([...this.#coded, ...coded]),
      new Map([...unchanged(this.#residue), ...residue]),
      moved.moments,
    );
  }

  /** As bytes for the sites of a round. @param accepts the names that are wanted, default all */
  payload(round: number, accepts: (name: string) => boolean = () => true): Payload {
    const { config } = this.#label;
    const wanted = pick(this.#coded, accepts);
    return encodePayload(wanted, wireFormats[config.wire], metadataOf(this.#label, round), config.compression);
  }

  /** Keeps everything under its hash. @param round the last one that is in it */
  keep(blobs: Blobs, round: number, corrections: readonly Correction[] = []): StateRecord {
    const memory = Buffer.concat(encodeStates({ residue: this.#residue, moments: this.#moments }));
    return {
      fingerprint: fingerprint(this.tensors),
      payload: blobs.put(this.payload(round + 1)),
      memory: blobs.put({ bytes: memory, length: memory.length }),
      ...(corrections.length > 0 && { correction: blobs.put(this.#correctionPayload(corrections, round)) }),
    };
  }

  #correctionPayload(corrections: readonly Correction[], round: number): Payload {
    const { wire, compression } = this.#label.config;
    const metadata = { ...metadataOf(this.#label, round), content: 'correction' };
    const coded = codeCorrections(corrections, wireFormats[wire]);
    return encodePayload(coded, wireFormats[wire], metadata, compression);
  }

  dispose(): void {
    for (const state of [this.tensors, this.#residue, this.#moments]) disposeState(state);
  }
}
