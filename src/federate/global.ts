/**
 * The global state: the tensors that sites receive, as they will see them, and what the coordinator needs to go on from
 * them (what was lost on the wire, moments of its optimiser). A round makes a new one.
 */
import { Room } from '../core/index.js';
import { copyState, disposeState, fingerprint, pick, type State } from '../nn/index.js';
import { scope, type Tensor } from '../torch/index.js';
import { type Aggregated, aggregations, type Correction } from './aggregation/index.js';
import type { Blobs } from './blobs.js';
import type { Federation } from './config.js';
import { codeCorrections } from './corrections.js';
import type { StateRecord } from './entries.js';
import type { BlobReference } from './messages.js';
import { serverStep } from './server.js';
import { allFinite, decodeStates, encodeStates, normOf } from './state-bytes.js';
import {
  type Coded,
  type CodedState,
  encodePieces,
  PayloadFile,
  send,
  type WireFormat,
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
  /** As they travel, where that cannot be made again of what sites see. */
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
    const format = wireFormats[label.config.wire];
    const { coded, seen, residue } = send(initial, format, new Map());
    return new GlobalState(label, seen, format.repeats ? new Map() : coded, residue, new Map());
  }

  static restore(label: Label, blobs: Blobs, { payload, memory }: StateRecord): GlobalState {
    const { wire, compression } = label.config;
    const format = wireFormats[wire];
    const file = new PayloadFile(blobs.plain(payload, compression, payload.length), format, new Map());
    const tensors: State = new Map();
    const coded: CodedState = new Map();
    for (const name of file.names) {
      const one = file.read(name)!;
      tensors.set(name, scope(() => format.decode(one)).keep());
      if (!format.repeats) coded.set(name, { ...one, data: one.data.slice(), scales: one.scales.slice() });
    }
    const { parts } = decodeStates(blobs.get(memory), ['residue', 'moments'], blobs.fileOf(memory));
    return new GlobalState(label, tensors, coded, parts.residue, parts.moments);
  }

  /**
   * The state after a round, made tensor by tensor; this one stays as it is.
   *
   * @param aggregated its tensors are freed on the way
   */
  next({ tensors }: Aggregated): GlobalState {
    const { config } = this.#label;
    const format = wireFormats[config.wire];
    const [seen, residue, moments]: State[] = [new Map(), new Map(), new Map()];
    const coded: CodedState = new Map();
    const collect = <Value>(into: Map<string, Value>, from: ReadonlyMap<string, Value>) => {
      for (const [name, value] of from) into.set(name, value);
    };
    for (const [name, wanted] of tensors) {
      const kept = pick(this.#moments, (one) => one === `${name}.m` || one === `${name}.v`);
      const moved = serverStep(this.tensors, new Map([[name, wanted]]), kept, config.server);
      wanted.dispose();
      collect(moments, moved.moments);
      if (!format.lossy) {
        collect(seen, moved.tensors);
        continue;
      }
      const sent = send(moved.tensors, format, this.#residue);
      disposeState(moved.tensors);
      collect(seen, sent.seen);
      collect(residue, sent.residue);
      if (!format.repeats) collect(coded, sent.coded);
    }
    const merged = (before: State, now: State) =>
      new Map([...copyState(pick(before, (name) => !now.has(name))), ...now]);
    return new GlobalState(
      this.#label,
      merged(this.tensors, seen),
      new Map([...this.#coded, ...coded]),
      merged(this.#residue, residue),
      merged(this.#moments, moments),
    );
  }

  /** The name of a tensor that holds numbers that are not finite, among those that sites receive or the next round needs. */
  get spoiled(): string | undefined {
    for (const state of [this.tensors, this.#residue, this.#moments])
      for (const [name, value] of state) if (!allFinite(value)) return name;
    return undefined;
  }

  /**
   * Keeps everything under its hash: what the coordinator goes on from, and the payloads of the next round as they are sent.
   *
   * @param round the last one that is in it; 0 before the first
   */
  keep(blobs: Blobs, round: number, corrections: readonly Correction[] = []): StateRecord {
    const { trains } = aggregations[this.#label.config.aggregation];
    const changed = (name: string) => round > 0 && trains(name, round);
    const isPart = round > 0 && ![...this.tensors.keys()].every(changed);
    const memory = encodeStates({ residue: this.#residue, moments: this.#moments });
    const coded = this.#travelling();
    return {
      fingerprint: fingerprint(this.tensors),
      norm: normOf(this.tensors),
      payload: this.#put(blobs, coded, round + 1),
      ...(isPart && { fresh: this.#put(blobs, pick(coded, changed), round + 1) }),
      memory: blobs.put(memory, memory.length),
      ...(corrections.length > 0 && { correction: this.#putCorrections(blobs, corrections, round) }),
    };
  }

  /** The tensors as they travel, each made when it is asked for, where that gives the same bytes again. */
  #travelling(): CodedState {
    const format = wireFormats[this.#label.config.wire];
    if (!format.repeats) return this.#coded;
    const room = new Room();
    return new Map([...this.tensors].map(([name, value]) => [name, again(value, format, room)]));
  }

  #put(blobs: Blobs, coded: CodedState, round: number, content: Record<string, string> = {}): BlobReference {
    const { wire, compression } = this.#label.config;
    const metadata = { ...metadataOf(this.#label, round), ...content };
    const { pieces, length } = encodePieces(coded, wireFormats[wire], metadata, compression);
    return blobs.put(pieces, length);
  }

  #putCorrections(blobs: Blobs, corrections: readonly Correction[], round: number): BlobReference {
    const coded = codeCorrections(corrections, wireFormats[this.#label.config.wire]);
    return this.#put(blobs, coded, round, { content: 'correction' });
  }

  dispose(): void {
    for (const state of [this.tensors, this.#residue, this.#moments]) disposeState(state);
  }
}

/** Has no scales: formats with scales do not give the same bytes again. */
const again = (value: Tensor, format: WireFormat, room: Room): Coded => ({
  ...{ shape: value.shape, scales: new Uint8Array() },
  get data() {
    return scope(() => format.encode(value, room)).data;
  },
});
