/**
 * Ed25519 keys (RFC 8032), and the envelope that carries a message with its signature. The signed bytes name the kind of
 * speaker, so no site's message passes for one of the coordinator's.
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
import { federateError } from './errors.js';
import type { Store } from './store.js';

/** In the owner's store. */
export const keyFile = 'key.pem';

/** The coordinator signs tasks, a site its states and, in a thread of its own, its pulse. */
export type Speaker = 'coordinator' | 'site' | 'pulse';

/** A key pair, kept in a store, that signs its owner's messages. */
export class SigningKey {
  /** DER in base64. */
  readonly publicKey: string;
  readonly #private: KeyObject;

  /**
   * Reads the key from the store, or makes one and keeps it there.
   *
   * @param key a private Ed25519 key that its owner keeps elsewhere
   * @throws GraftError KEY_DAMAGED, SECRET_EXPOSED
   */
  constructor(store: Store, key?: KeyObject) {
    const kept = key ? undefined : store.read(keyFile);
    if (key) this.#private = key;
    else if (kept) this.#private = readKey(kept, store.fileOf(keyFile));
    else {
      this.#private = generateKeyPairSync('ed25519').privateKey;
      store.write(keyFile, Buffer.from(this.#private.export({ type: 'pkcs8', format: 'pem' })));
    }
    this.publicKey = createPublicKey(this.#private).export({ type: 'spki', format: 'der' }).toString('base64');
  }

  /** A message in its envelope. @param message JSON */
  seal(speaker: Speaker, message: object): Uint8Array {
    const body = JSON.stringify(message);
    const signature = sign(null, signedBytes(speaker, body), this.#private).toString('base64');
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

const signedBytes = (speaker: Speaker, body: string) => Buffer.from(`graft ${speaker}\n${body}`);

/** Short name of a public key, for people and for tasks. */
export const keyName = (publicKey: string): string => createHash('sha256').update(publicKey).digest('hex').slice(0, 16);

/** An Ed25519 public key; undefined for any other text. @param key DER in base64 */
function publicKeyOf(key: string): KeyObject | undefined {
  try {
    const object = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
    return object.asymmetricKeyType === 'ed25519' ? object : undefined;
  } catch {
    return undefined;
  }
}

/** @throws GraftError KEY_INVALID @param owner whose key it should be, for the message */
export function checkKey(key: string, owner: string): void {
  if (!publicKeyOf(key)) throw federateError('KEY_INVALID', { owner });
}

const envelopeSchema = z.strictObject({ body: z.string(), signature: z.string().max(100) });

/** A message out of its envelope, not verified yet. */
export interface Letter {
  body: string;
  /** Whether the owner of the key signed it. @param key DER in base64 */
  signedBy(key: string): boolean;
}

/**
 * @param limit bytes; a longer envelope is not parsed
 * @param from for messages
 * @throws GraftError MESSAGE_INVALID
 */
export function openEnvelope(
  bytes: Uint8Array,
  { speaker, limit, from }: { speaker: Speaker; limit: number; from: string },
): Letter {
  if (bytes.length > limit)
    throw federateError('MESSAGE_INVALID', { from, reason: `it has ${bytes.length} bytes, more than ${limit}` });
  const { body, signature } = parseJson(envelopeSchema, Buffer.from(bytes).toString(), from);
  return {
    body,
    signedBy(key) {
      const publicKey = publicKeyOf(key);
      return (
        publicKey !== undefined && verify(null, signedBytes(speaker, body), publicKey, Buffer.from(signature, 'base64'))
      );
    },
  };
}

/** Parses JSON by a schema. @param from the sender, for messages @throws GraftError MESSAGE_INVALID */
export function parseJson<T>(schema: z.ZodType<T>, text: string, from: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const told = error instanceof z.ZodError ? z.prettifyError(error).split('\n')[0] : (error as Error).message;
    throw federateError('MESSAGE_INVALID', { from, reason: told.slice(0, 200) }, error);
  }
}
