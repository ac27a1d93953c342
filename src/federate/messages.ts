/**
 * What coordinator and sites say to each other beside tensors. Every field is bounded, since it is recorded and shown. A
 * message names the federation and the coordinator's session, so it is worthless in any other.
 */
import { z } from 'zod';
import { keyFault, shownText, textLimit } from '../core/index.js';
import { aggregationNames } from './aggregation/index.js';
import { parseJson } from './signing.js';
import type { Metrics } from './trainer.js';
import { compressionNames, wireNames } from './wire/index.js';

/** Most bytes of a message in its envelope: a site's, and the coordinator's, which names all sites of a round. */
export const stateLimit = 2 ** 16;
export const taskLimit = 2 ** 24;

/** Whether a text is a SHA-256 in hexadecimal; as a file name it cannot lead out of the folder of blobs. */
export const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

export const blobSchema = z.strictObject({
  /** SHA-256 of the bytes. */
  hash: z.string().refine(isHash, 'it must be 64 hexadecimal digits'),
  /** Bytes before compression. */
  length: z.int().min(0),
});
export type BlobReference = z.output<typeof blobSchema>;

const hex = z.string().regex(/^[0-9a-f]{16,64}$/);
/** The federation, and the process of its coordinator, which nobody can know in advance. */
const place = { federation: hex, session: hex };
const round = z.int().min(1);
const name = z.string().refine((text) => keyFault(text) === undefined, 'it is not a name');
const fingerprint = z.string().max(128);
/** A number of slices or cases. */
const count = z.int().min(0).max(1e9);

/** A site cuts off a longer one. */
const reason = z.string().max(textLimit).transform(shownText);

/** A global state, and how to read it. */
const globalSchema = z.strictObject({
  ...place,
  /** The round that starts from it; of the end, the last one. */
  round,
  base: fingerprint,
  plan: name,
  aggregation: z.enum(aggregationNames),
  wire: z.enum(wireNames),
  compression: z.enum(compressionNames),
  /** All shared tensors. */
  full: blobSchema,
  /** What every round so far added to frozen weights. */
  corrections: z.array(z.strictObject({ round, blob: blobSchema })),
});
export type GlobalTask = z.output<typeof globalSchema>;

export const taskSchema = z.discriminatedUnion('kind', [
  /** Sites are asked who they are. */
  z.strictObject({ kind: z.literal('open'), ...place }),
  globalSchema
    .extend({
      kind: z.literal('round'),
      rounds: z.int().min(1),
      /**
       * The sites that are to train, with short names of their keys, so that a site notices if another one has taken its name.
       * A site looks up only itself.
       */
      chosen: z.custom<Record<string, string>>((value) => typeof value === 'object' && value !== null),
      /** The last round of which an update was taken, of those that shall train or are left out and of which there is one. */
      taken: z.custom<Record<string, number>>((value) => typeof value === 'object' && value !== null),
      mu: z.number().min(0),
      /** The tensors that changed since the last round, where they are fewer than all. */
      fresh: blobSchema.optional(),
    })
    .refine(({ round, rounds }) => round <= rounds, 'it is of a round after the last one'),
  globalSchema.extend({
    kind: z.literal('done'),
    /** Those that took part. */
    sites: z.array(z.string()),
  }),
]);
export type Task = z.output<typeof taskSchema>;
export type RoundTask = Extract<Task, { kind: 'round' }>;
export type DoneTask = Extract<Task, { kind: 'done' }>;

/** @throws GraftError MESSAGE_INVALID */
export const taskOf = (body: string): Task => parseJson(taskSchema, body, 'the coordinator');

/** Most entries of a site's metrics. */
const metricLimit = 64;

/** The part of a trainer's metrics that a site sends: finite numbers under valid names, at most 64. */
export const metricsOf = (told: Metrics): Metrics =>
  Object.fromEntries(
    Object.entries(told)
      .filter(([key, value]) => Number.isFinite(value) && keyFault(key) === undefined)
      .slice(0, metricLimit),
  );

/** What a site says. `down` counts the bytes of the round's task and of the blobs fetched for it, each once. */
export const stateSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('present'),
    site: name,
    ...place,
    /** Public key, DER in base64. */
    key: z.string().max(100),
    base: fingerprint,
    slices: count,
    cases: count,
  }),
  z.strictObject({
    kind: z.literal('update'),
    site: name,
    ...place,
    round,
    blob: blobSchema,
    metrics: z
      .record(name, z.number())
      .refine((metrics) => Object.keys(metrics).length <= metricLimit, `more than ${metricLimit} metrics`),
    down: z.int().min(0),
  }),
  z.strictObject({
    ...{ kind: z.literal('failed'), site: name, ...place, round, reason, down: z.int().min(0) },
    /** Its folder is older than what it sent, and it has ended. */
    behind: z.literal(true).optional(),
  }),
]);
export type SiteState = z.output<typeof stateSchema>;

/** @param site as the transport names it @throws GraftError MESSAGE_INVALID */
export const siteStateOf = (body: string, site: string): SiteState => parseJson(stateSchema, body, site);
