/**
 * What coordinator and sites say to each other beside tensors: JSON as bytes. A site signs what it says (Ed25519); the
 * coordinator remembers the key that a site registered with.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { z } from 'zod';
import { aggregationNames } from './aggregation/index.js';
import { federateError } from './errors.js';
import type { Store } from './store.js';
import { compressionNames, wireNames } from './wire/index.js';

const blobSchema = z.strictObject({
  /** SHA-256 of the bytes. */
  hash: z.string(),
  /** Bytes before compression. */
  length: z.int().min(0),
});
export type BlobReference = z.output<typeof blobSchema>;

const federation = z.string();
const round = z.int().min(1);
/** Shown names of public keys by site: a site whose name another one took finds out. */
const sites = z.record(z.string(), z.string());

/** A global state, and how to read it. */
const globalSchema = z.strictObject({
  federation,
  /** The round that starts from it; of the end, the last one. */
  round,
  sites,
  base: z.string(),
  plan: z.string(),
  aggregation: z.enum(aggregationNames),
  wire: z.enum(wireNames),
  compression: z.enum(compressionNames),
  /** All shared tensors. */
  full: blobSchema,
  /** What every round so far added to frozen weights. */
  corrections: z.array(z.strictObject({ round, blob: blobSchema })),
});

export const taskSchema = z.discriminatedUnion('kind', [
  globalSchema.extend({
    kind: z.literal('round'),
    rounds: z.int().min(1),
    /** The sites that shall train. */
    chosen: z.array(z.string()),
    mu: z.number(),
    /** The tensors that changed since the last round, where they are fewer than all. */
    fresh: blobSchema.optional(),
  }),
  globalSchema.extend({ kind: z.literal('done') }),
]);
export type Task = z.output<typeof taskSchema>;
export type RoundTask = Extract<Task, { kind: 'round' }>;
export type DoneTask = Extract<Task, { kind: 'done' }>;

/** What a site says. `down` counts the bytes of the round's task and of what was fetched for it, each once. */
export const stateSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('present'),
    site: z.string(),
    /** Public key, DER in base64. */
    key: z.string(),
    base: z.string(),
    slices: z.number().min(0),
    cases: z.number().min(0),
  }),
  z.strictObject({
    kind: z.literal('update'),
    site: z.string(),
    federation,
    round,
    blob: blobSchema,
    metrics: z.record(z.string(), z.number()),
    down: z.int().min(0),
  }),
  z.strictObject({
    kind: z.literal('failed'),
    site: z.string(),
    federation,
    round,
    reason: z.string(),
    down: z.int().min(0),
  }),
]);
export type SiteState = z.output<typeof stateSchema>;

export const encodeTask = (task: Task): Uint8Array => Buffer.from(JSON.stringify(task));

/** @throws GraftError MESSAGE_INVALID */
export const decodeTask = (bytes: Uint8Array): Task =>
  parse(taskSchema, Buffer.from(bytes).toString(), 'the coordinator');

function parse<T>(schema: z.ZodType<T>, text: string, from: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error).split('\n')[0] : (error as Error).message;
    throw federateError('MESSAGE_INVALID', { from, reason }, error);
  }
}

const envelopeSchema = z.strictObject({ body: z.string(), signature: z.string() });

/** In the site's store. */
export const keyFile = 'key.pem';

/** A site's identity: it signs what the site says. */
export class Identity {
  /** DER in base64. */
  readonly publicKey: string;
  readonly #private: KeyObject;

  /** Takes the key from the site's store, or makes one and keeps it there. @throws GraftError KEY_DAMAGED, SECRET_EXPOSED */
  constructor(store: Store) {
    const kept = store.read(keyFile);
    if (kept) this.#private = readKey(kept, store.fileOf(keyFile));
    else {
      this.#private = generateKeyPairSync('ed25519').privateKey;
      store.write(keyFile, Buffer.from(this.#private.export({ type: 'pkcs8', format: 'pem' })));
    }
    this.publicKey = createPublicKey(this.#private).export({ type: 'spki', format: 'der' }).toString('base64');
  }

  sign(state: SiteState): Uint8Array {
    const body = JSON.stringify(state);
    const signature = sign(null, Buffer.from(body), this.#private).toString('base64');
    return Buffer.from(JSON.stringify({ body, signature }));
  }
}

function readKey(bytes: Uint8Array, file: string): KeyObject {
  try {
    const key = createPrivateKey(Buffer.from(bytes));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is of the type ${key.asymmetricKeyType}`);
    return key;
  } catch (error) {
    throw federateError('KEY_DAMAGED', { file, reason: (error as Error).message }, error);
  }
}

/** Short name of a public key, for people and for tasks. */
export const keyName = (publicKey: string): string => createHash('sha256').update(publicKey).digest('hex').slice(0, 16);

/**
 * Reads what a site said.
 *
 * @param site as the transport names it
 * @param keyOf the key that the site must have signed with; a site that only says that it is there brings its own
 * @throws GraftError MESSAGE_INVALID
 */
export function openState(bytes: Uint8Array, site: string, keyOf: (site: string) => string | undefined): SiteState {
  const { body, signature } = parse(envelopeSchema, Buffer.from(bytes).toString(), site);
  const state = parse(stateSchema, body, site);
  const invalid = (reason: string) => federateError('MESSAGE_INVALID', { from: site, reason });
  if (state.site !== site) throw invalid(`it speaks for ${state.site}`);
  const key = keyOf(site) ?? (state.kind === 'present' ? state.key : undefined);
  if (key === undefined) throw invalid('the site did not register');
  if (!verified(body, signature, key)) throw invalid('it is not signed with the key of that site');
  return state;
}

function verified(body: string, signature: string, key: string): boolean {
  try {
    const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
    return verify(null, Buffer.from(body), publicKey, Buffer.from(signature, 'base64'));
  } catch {
    return false; // the key itself is none
  }
}
