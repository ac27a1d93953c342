/** What a coordinator sees of its sites while it runs, and the small file in which it says so for `graft federation status`. */
import { z } from 'zod';
import { type ProcessMark, readRegularText, sealedJson, unsealedJson, writeFileAtomic } from '../../core/index.js';
import { type Pulse, pulseOf } from '../../federate/index.js';
import type { Member } from '../members.js';

/** What is known of a site that lives. */
const seenSchema = z.strictObject({
  /** When its last pulse came, by the coordinator's clock. */
  heard: z.iso.datetime(),
  doing: z.string(),
  round: z.int(),
  /** Bytes since the site's program began. */
  moved: z.int(),
  /** When two processes were last heard that ran the site at once. */
  twice: z.iso.datetime().optional(),
});
export type Seen = z.output<typeof seenSchema>;

const standingSchema = z.strictObject({
  process: z.custom<ProcessMark>((value) => typeof value === 'object' && value !== null),
  at: z.iso.datetime(),
  broker: z.enum(['connected', 'away']),
  sites: z.record(z.string(), seenSchema),
});
export type Standing = z.output<typeof standingSchema>;

/** What the file says; undefined where there is none that can be read. */
export function readStanding(file: string): Standing | undefined {
  try {
    return standingSchema.parse(unsealedJson(readRegularText(file, 2 ** 26)));
  } catch {
    return undefined;
  }
}

export const writeStanding = (file: string, standing: Standing): void => writeFileAtomic(file, sealedJson(standing));

/** Processes of a site whose pulses are told apart: one runs, or two by mistake; a site could invent any number. */
const processLimit = 8;

/** The pulses of the members. */
export class Sightings {
  #keys: ReadonlyMap<string, string> = new Map();
  /** The last pulse of each process of the last ones, by site. */
  readonly #last = new Map<string, Map<string, Pulse>>();
  /** The process of each site that was heard last. */
  readonly #current = new Map<string, string>();
  readonly seen = new Map<string, Seen>();

  /** From now on these are members. */
  expect(members: readonly Member[]): void {
    this.#keys = new Map(members.map(({ name, keys }) => [name, keys.signing]));
    for (const known of [this.seen, this.#last, this.#current])
      for (const site of known.keys()) if (!this.#keys.has(site)) known.delete(site);
  }

  /** @returns whether bytes have moved since the site's last pulse; undefined for what is not a newer pulse of a member */
  take(site: string, bytes: Uint8Array): boolean | undefined {
    const key = this.#keys.get(site);
    let pulse: Pulse | undefined;
    try {
      pulse = key === undefined ? undefined : pulseOf(bytes, { site, key });
    } catch {
      return undefined; // somebody at the broker made it
    }
    const processes = this.#last.get(site) ?? new Map<string, Pulse>();
    const last = processes.get(pulse?.instance ?? '');
    if (!pulse || (last && pulse.at <= last.at)) return undefined;
    const { doing, round, moved, instance } = pulse;
    processes.delete(instance); // the one that was heard last comes last
    processes.set(instance, pulse);
    for (const old of [...processes.keys()].slice(0, -processLimit)) processes.delete(old);
    this.#last.set(site, processes);
    const heard = new Date().toISOString();
    // A process that was started again is a new one; that one of before speaks again is another matter.
    const again = last !== undefined && this.#current.get(site) !== instance;
    const twice = again ? heard : this.seen.get(site)?.twice;
    this.#current.set(site, instance);
    this.seen.set(site, { heard, doing, round, moved, ...(twice && { twice }) });
    return moved !== (last?.moved ?? 0);
  }
}
