/** What the ledger records. A line that is none of these is refused, even if its check is right. */
import { z } from 'zod';
import type { Agreement } from './aggregation/index.js';
import { blobSchema } from './messages.js';
import type { Metrics } from './trainer.js';

const round = z.int();
/** By the names of sites. */
const numbers = z.record(z.string(), z.number());
/** A number that is not finite has become null in JSON. */
const metrics = z.custom<Metrics>((value) => typeof value === 'object' && value !== null);

/** Where the coordinator stands after a round. */
const stateSchema = z.object({
  /** `fingerprint` of the global state: what sites receive. */
  fingerprint: z.string(),
  /** Its Frobenius norm. Earlier versions did not keep it. */
  norm: z.number().optional(),
  /** The global state as it travels in the next round. */
  payload: blobSchema,
  /** What of it changed, as it travels, where that is not all. Earlier versions did not keep it. */
  fresh: blobSchema.optional(),
  /** What the coordinator needs beside it: moments of its optimiser, what was lost on the wire. */
  memory: blobSchema,
  /** What this round adds to frozen weights. */
  correction: blobSchema.optional(),
});
export type StateRecord = z.output<typeof stateSchema>;

/** Times are ISO texts; hashes are SHA-256. */
const entry = <Kind extends string, Shape extends z.ZodRawShape>(kind: Kind, shape: Shape) =>
  z.object({ at: z.string().optional(), kind: z.literal(kind), ...shape });

const cosine = z.number().nullable();
const agreement = z.object({
  layers: z.array(z.string()),
  norm: z.number(),
  sites: z.array(z.object({ site: z.string(), norms: z.array(z.number()), cosine })),
  pairs: z.array(cosine).optional(),
}) satisfies z.ZodType<Agreement>;

const traffic = {
  round,
  site: z.string(),
  /**
   * Bytes of what the site needed in this round and of what it said: payloads and messages, as they travelled, each once
   * however often a killed process had to ask for it again.
   */
  down: z.number(),
  up: z.number(),
};
const said = { site: z.string(), reason: z.string() };
const configuration = z.record(z.string(), z.unknown());

export const entrySchema = z.discriminatedUnion('kind', [
  /** The coordinator's public key and a random number make the federation's identity; earlier versions had neither. */
  entry('opened', {
    configuration,
    state: stateSchema,
    key: z.string().optional(),
    nonce: z.string().optional(),
  }),
  /** The federation continues under a configuration that asks for more; new sites join. */
  entry('extended', { configuration, joined: z.array(z.string()) }),
  /** Who may take part changes, also in the round under way; configurations of before keep the names that they had. */
  entry('members', { sites: z.array(z.string()) }),
  entry('registered', { site: z.string(), key: z.string(), slices: z.number(), cases: z.number() }),
  /** What a site said cannot be used. At most once for each site and round. */
  entry('rejected', said),
  /** A message in the name of a site was not provably its own. At most once for each site and round. */
  entry('dropped', said),
  /** How many messages were dropped until the round was decided, under the names of sites and under others. */
  entry('noise', { round, dropped: numbers, strangers: z.int() }),
  entry('published', { round, chosen: z.array(z.string()) }),
  entry('accepted', { blob: blobSchema, norm: z.number(), metrics, ...traffic }),
  entry('refused', { reason: z.string(), ...traffic }),
  /** `behind`: the site's folder is older than what it sent; it is left out until it registers or sends an update. */
  entry('failed', { reason: z.string(), behind: z.literal(true).optional(), ...traffic }),
  entry('late', traffic),
  entry('closed', { round, weights: numbers, missing: z.array(z.string()) }),
  entry('stalled', { round, found: z.int(), minimum: z.int() }),
  entry('aggregated', {
    ...{ round, error: z.custom<number | undefined>().optional(), metrics, state: stateSchema },
    /** How the updates lie to each other. Earlier versions did not compute it. */
    agreement: agreement.optional(),
  }),
]);
export type Entry = z.output<typeof entrySchema>;
