/** Looking at candidates on the unlabelled target, and choosing among them. */
import type { Pausing } from '../core/index.js';
import { type CaseSlices, sourceOfTensor } from '../data/index.js';
import { meanOf } from '../metrics/index.js';
import type { EarlyHead } from '../networks/index.js';
import { copyInto, copyState, disposeState, type State } from '../nn/index.js';
import type { Segmenter } from '../segmenter/index.js';
import { agreement, Masks, observe } from './observe.js';
import { type Departure, departures, severity } from './reference.js';

/** What was seen of a candidate, means over the target's cases. */
export interface Look {
  /**
   * `source`: the base; `start`: the adapter that was gone on from; `statistics`: what training starts from, with the
   * target's statistics; a number: after that epoch.
   */
  candidate: 'source' | 'start' | 'statistics' | number;
  /** Segmented volume. */
  volumeMl: number;
  /** Bits per segmented voxel. */
  entropy: number;
  /** Surface Dice of the early against the final head. */
  agreement: number;
  /** Surface Dice of the prediction against the source model's. */
  agreementWithSource: number;
  /** What leaves the range seen on the source domain. */
  departures: Departure[];
}

interface Watched {
  model: Segmenter;
  head: EarlyHead;
  target: readonly CaseSlices[];
  /** Of the surface Dice that measures agreement. */
  toleranceMm: number;
}

type Seen = Omit<Look, 'candidate' | 'departures'>;

/**
 * Looks at the network as it is now, and remembers what the source model predicted. Cases are looked at one after the
 * other, and a bit a pixel is kept: the target may be larger than memory.
 */
export class Observer {
  readonly #model: Segmenter;
  readonly #head: EarlyHead;
  readonly #target: readonly CaseSlices[];
  readonly #toleranceMm: number;
  /** The source model's masks, packed; the first look at a case is at what that model does. */
  readonly #masks: Uint8Array[][] = [];
  #source!: Seen;
  /** Agreeing with a source model that is itself out of its range has no merit. */
  #sourceIsSound = false;

  private constructor({ model, head, target, toleranceMm }: Watched) {
    this.#model = model;
    this.#head = head;
    this.#target = target;
    this.#toleranceMm = toleranceMm;
  }

  /** To be called while the network is still the source model. */
  static *of(watched: Watched): Pausing<Observer> {
    const observer = new Observer(watched);
    observer.#source = yield* observer.#measure();
    observer.#sourceIsSound = observer.#assess(observer.#source, false).length === 0;
    return observer;
  }

  /** What the source model predicted of a target case: uint8 [n, h, w]. */
  sourceLabels(at: number): Uint8Array {
    const { shape } = sourceOfTensor(this.#target[at].images);
    const labels = new Uint8Array(shape[0] * shape[1] * shape[2]);
    for (const [c, packed] of this.#masks[at].entries())
      for (let i = 0; i < labels.length; i++) if ((packed[i >> 3] >> (i & 7)) & 1) labels[i] = c + 1;
    return labels;
  }

  *look(candidate: Look['candidate']): Pausing<Look> {
    const seen = candidate === 'source' ? this.#source : yield* this.#measure();
    return { candidate, ...seen, departures: this.#assess(seen, this.#sourceIsSound) };
  }

  *#measure(): Pausing<Seen> {
    const seen: Seen[] = [];
    for (const [i, { images, spacing }] of this.#target.entries()) {
      const slices = sourceOfTensor(images);
      const one = { slices, spacing };
      const { masks, ...observation } = yield* observe(this.#model, this.#head, one, this.#toleranceMm);
      this.#masks[i] ??= masks.classes.map(pack);
      const source = new Masks(slices.shape, masks.classes.length);
      for (const [c, packed] of this.#masks[i].entries()) unpack(packed, source.classes[c]);
      const measure = { spacing, toleranceMm: this.#toleranceMm, ofNothing: 1 } as const;
      const agreementWithSource = yield* agreement(masks, source, measure);
      seen.push({ ...observation, agreementWithSource });
    }
    const average = (key: keyof Seen) => meanOf(seen.map((one) => one[key]));
    return {
      volumeMl: average('volumeMl'),
      entropy: average('entropy'),
      agreement: average('agreement'),
      agreementWithSource: average('agreementWithSource'),
    };
  }

  #assess({ agreementWithSource, ...seen }: Seen, compare: boolean): Departure[] {
    const { reference } = this.#model;
    return reference ? departures(compare ? { ...seen, agreementWithSource } : seen, reference) : [];
  }
}

/**
 * Chooses without labels: among the candidates the one whose two heads agree best, or the last. With the guard only candidates count
 * that stay in the source's range; where none does, the one that leaves it least is kept, the source model included.
 */
export class Choice {
  readonly looks: Look[] = [];
  readonly #held: State;
  readonly #guard: boolean;
  readonly #better: (look: Look, than: Look) => boolean;
  /** Values of the best candidate by agreement, and of the least departed. */
  readonly states: { selected: State; safest: State };
  readonly #start: Look['candidate'];

  /**
   * @param held the tensors that differ between candidates
   * @param begin the candidate that training starts from; a source model before it is the guard's resort only
   * @param how.by what makes a candidate better: the agreement of its heads, or that it was trained longer
   */
  constructor(
    held: State,
    begin: 'source' | 'start' | 'statistics',
    { guard, by }: { guard: boolean; by: 'agreement' | 'duration' },
  ) {
    this.#held = held;
    this.#start = begin;
    this.#guard = guard;
    // The earliest of equals, so that training has to earn its place.
    this.#better = by === 'duration' ? () => true : (look, than) => look.agreement > than.agreement;
    this.states = { selected: copyState(held), safest: copyState(held) };
  }

  consider(look: Look): void {
    this.looks.push(look);
    if (this.#selected() === look) copyInto(this.states.selected, this.#held);
    if (this.#safest() === look) copyInto(this.states.safest, this.#held);
  }

  /** The choice, with the reason where the guard made it. */
  settle(): { kept: Look; state: State; guard?: string } {
    const selected = this.#selected();
    const unguarded = this.#best(this.#eligible());
    const kept = selected ?? this.#safest();
    const state = selected ? this.states.selected : this.states.safest;
    disposeState(selected ? this.states.safest : this.states.selected);
    return { kept, state, ...(kept !== unguarded && { guard: explain(unguarded, kept) }) };
  }

  #eligible(): Look[] {
    return this.looks.filter(({ candidate }) => candidate !== 'source' || this.#start === 'source');
  }
  #selected(): Look | undefined {
    const sound = this.#eligible().filter(({ departures }) => !this.#guard || departures.length === 0);
    return sound.length > 0 ? this.#best(sound) : undefined;
  }
  #best(looks: Look[]): Look {
    return looks.reduce((best, look) => (this.#better(look, best) ? look : best));
  }
  #safest(): Look {
    return this.looks.reduce((a, b) => (severity(b.departures) < severity(a.departures) ? b : a));
  }
}

/** Eight voxels of a mask in a byte. */
function pack(mask: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(mask.length / 8));
  for (let i = 0; i < mask.length; i++) packed[i >> 3] |= mask[i] << (i & 7);
  return packed;
}

function unpack(packed: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) mask[i] = (packed[i >> 3] >> (i & 7)) & 1;
}

const names = {
  source: 'the source model',
  start: 'the adapter that was gone on from',
  statistics: 'the source model with the target’s statistics',
};
const nameOf = (candidate: Look['candidate']) =>
  typeof candidate === 'number' ? `epoch ${candidate}` : names[candidate];

function explain(unguarded: Look, kept: Look): string {
  const reasons = unguarded.departures.map(
    ({ measure, value, low, high }) =>
      `${measure} ${value.toPrecision(3)} outside ${low.toPrecision(3)}–${high.toPrecision(3)}`,
  );
  return `${nameOf(unguarded.candidate)} left the range of the source domain (${reasons.join('; ')}); kept ${nameOf(kept.candidate)}`;
}
