/** Looking at candidates on the unlabelled target, and choosing among them. */
import type { Pausing } from '../core/index.js';
import { type CaseSlices, sourceOfTensor } from '../data/index.js';
import { meanOf, standardDeviation } from '../metrics/index.js';
import type { EarlyHead } from '../networks/index.js';
import { copyInto, copyState, disposeState, type State } from '../nn/index.js';
import type { Segmenter } from '../segmenter/index.js';
import type { Observation } from './observation.js';
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
  /** Surface Dice of the masks and those of mirror images, of each case and plane; absent where that says nothing. */
  mirrored?: number[];
  /** What leaves the range seen on the source domain. */
  departures: Departure[];
}

interface Watched {
  model: Segmenter;
  head: EarlyHead;
  target: readonly CaseSlices[];
  /** Of the surface Dice that measures agreement. */
  toleranceMm: number;
  /** Whether mirror images are looked at, too. */
  mirrors: boolean;
}

/**
 * Whether a network's answers to mirror images say how good it is: it has to know them from its training. One that does not is
 * as good as blind to them on its source already.
 */
export const knowsMirrorImages = ({ reference }: Segmenter): boolean => (reference?.mirrored ?? 0) > 0.5;

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
  readonly #mirrors: boolean;
  /** The source model's masks, packed; the first look at a case is at what that model does. */
  readonly #masks: Uint8Array[][] = [];
  #source!: Seen;
  /** Agreeing with a source model that is itself out of its range has no merit. */
  #sourceIsSound = false;

  private constructor({ model, head, target, toleranceMm, mirrors }: Watched) {
    this.#model = model;
    this.#head = head;
    this.#target = target;
    this.#toleranceMm = toleranceMm;
    this.#mirrors = mirrors;
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
    const how = { toleranceMm: this.#toleranceMm, mirrors: this.#mirrors };
    const seen: (Observation & { agreementWithSource: number })[] = [];
    for (const [i, { images, spacing }] of this.#target.entries()) {
      const slices = sourceOfTensor(images);
      const one = { slices, spacing };
      const { masks, ...observation } = yield* observe(this.#model, this.#head, one, how);
      this.#masks[i] ??= masks.classes.map(pack);
      const source = new Masks(slices.shape, masks.classes.length);
      for (const [c, packed] of this.#masks[i].entries()) unpack(packed, source.classes[c]);
      const measure = { spacing, toleranceMm: this.#toleranceMm, ofNothing: 1 } as const;
      const agreementWithSource = yield* agreement(masks, source, measure);
      seen.push({ ...observation, agreementWithSource });
    }
    const average = (key: Exclude<keyof Seen, 'mirrored'>) => meanOf(seen.map((one) => one[key]));
    return {
      ...(this.#mirrors && { mirrored: seen.map(({ mirrored }) => mirrored!) }),
      volumeMl: average('volumeMl'),
      entropy: average('entropy'),
      agreement: average('agreement'),
      agreementWithSource: average('agreementWithSource'),
    };
  }

  #assess({ agreementWithSource, mirrored: _, ...seen }: Seen, compare: boolean): Departure[] {
    const { reference } = this.#model;
    return reference ? departures(compare ? { ...seen, agreementWithSource } : seen, reference) : [];
  }
}

/**
 * Chooses without labels: the candidate that agrees best with its answers to mirror images; where these were not looked at, the one
 * whose two heads agree best; or the last one.
 *
 * With the guard only candidates count that leave the source's range no further than the source model does and, where mirror
 * images were looked at, agree with them better than it, by a standard error at least; if there is none, the source model is
 * kept. Where they were not, only candidates within the range count, and if there is none, the one that leaves it least is kept.
 */
export class Choice {
  readonly looks: Look[] = [];
  readonly #held: State;
  readonly #guard: boolean;
  readonly #by: 'agreement' | 'duration';
  /** Values of the best candidate, and of the least departed. */
  readonly states: { selected: State; safest: State };
  readonly #start: Look['candidate'];

  /**
   * @param held the tensors that differ between candidates
   * @param begin the candidate that training starts from; a source model before it is the guard's resort only
   * @param how.by what makes a candidate better: agreement, or that it was trained longer
   */
  constructor(
    held: State,
    begin: 'source' | 'start' | 'statistics',
    { guard, by }: { guard: boolean; by: 'agreement' | 'duration' },
  ) {
    this.#held = held;
    this.#start = begin;
    this.#guard = guard;
    this.#by = by;
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
    return { kept, state, ...(kept !== unguarded && { guard: explain(unguarded, kept, this.#source) }) };
  }

  get #source(): Look {
    return this.looks[0];
  }
  #eligible(): Look[] {
    return this.looks.filter(({ candidate }) => candidate !== 'source' || this.#start === 'source');
  }
  #selected(): Look | undefined {
    const eligible = this.#eligible();
    if (eligible.length === 0) return undefined;
    if (!this.#guard) return this.#best(eligible);
    const limit = this.#source.mirrored ? severity(this.#source.departures) : 1;
    const sound = eligible.filter(({ departures }) => severity(departures) <= limit);
    if (sound.length === 0) return undefined;
    if (!this.#source.mirrored) return this.#best(sound);
    const earned = (look: Look) => look === this.#source || gain(look, this.#source).certain;
    // A student goes on learning after the epoch that earned its place; of the others the best has to.
    if (this.#by === 'duration') return sound.findLast(earned);
    const best = this.#best(sound);
    return earned(best) ? best : undefined;
  }
  /** The earliest of equals, so that training has to earn its place. */
  #best(looks: Look[]): Look {
    if (this.#by === 'duration') return looks.at(-1)!;
    const worth = ({ mirrored, agreement }: Look) => (mirrored ? meanOf(mirrored) : agreement);
    return looks.reduce((best, look) => (worth(look) > worth(best) ? look : best));
  }
  #safest(): Look {
    if (this.#source.mirrored) return this.#source;
    return this.looks.reduce((a, b) => (severity(b.departures) < severity(a.departures) ? b : a));
  }
}

/** How much better a candidate agrees with mirror images than the source model, case by case; NaN is no gain. */
function gain(look: Look, source: Look): { difference: number; error: number; certain: boolean } {
  const differences = look.mirrored!.map((value, i) => value - source.mirrored![i]);
  const difference = meanOf(differences);
  // A single case does not say how cases scatter.
  const error = differences.length > 1 ? standardDeviation(differences) / Math.sqrt(differences.length) : 0;
  return { difference, error, certain: difference > 0 && difference >= error };
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

function explain(unguarded: Look, kept: Look, source: Look): string {
  const resort = `kept ${nameOf(kept.candidate)}`;
  if (source.mirrored && severity(unguarded.departures) <= severity(source.departures)) {
    const { difference, error } = gain(unguarded, source);
    const more = `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(3)}, standard error ${error.toFixed(3)}`;
    return `${nameOf(unguarded.candidate)} does not surely agree better with mirror images than the source model (${more}); ${resort}`;
  }
  const reasons = unguarded.departures.map(
    ({ measure, value, low, high }) =>
      `${measure} ${value.toPrecision(3)} outside ${low.toPrecision(3)}–${high.toPrecision(3)}`,
  );
  return `${nameOf(unguarded.candidate)} left the range of the source domain (${reasons.join('; ')}); ${resort}`;
}
