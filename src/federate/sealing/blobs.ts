/**
 * Sealed blobs. The key of a blob follows from its owner's secret and its hash, so the same blob is always the same sealed
 * bytes: a peer that was killed puts again what the broker has already, and nothing has to be kept. A key that is handed
 * out opens this one blob.
 */
import type { KeyObject } from 'node:crypto';
import { runWithPauses } from '../../core/index.js';
import { hashing } from '../blobs.js';
import { federateError } from '../errors.js';
import type { Transport } from '../transport.js';
import { decrypting, encrypting, tagSize } from './aead.js';
import { expand, extract } from './hpke.js';
import { rawPrivate } from './keys.js';
import type { Reference } from './parcel.js';

const boundTo = (context: Uint8Array, hash: string) => Buffer.concat([context, Buffer.from(hash, 'hex')]);

/** The blobs that a peer has put and the others may need. */
export class SealedBlobs {
  readonly #transport: Transport;
  readonly #context: Uint8Array;
  readonly #secret: Buffer;
  readonly #put = new Map<string, { reference: Reference; round: number | undefined }>();

  /** @param key the owner's, private @param context that its blobs have */
  constructor(transport: Transport, key: KeyObject, context: Uint8Array) {
    this.#transport = transport;
    this.#context = context;
    this.#secret = extract(context, rawPrivate(key));
  }

  /** As `Transport.putBlob`. */
  async put(bytes: Uint8Array, round?: number): Promise<string> {
    const hash = await runWithPauses(hashing(bytes));
    const key = expand(this.#secret, Buffer.from(hash, 'hex'), 32);
    const sealed = await runWithPauses(encrypting(bytes, { key, beside: boundTo(this.#context, hash) }));
    const address = await this.#transport.putBlob(sealed, round);
    this.#put.set(hash, { reference: { hash, address, key }, round });
    if (round !== undefined)
      for (const [other, { round: put = round }] of this.#put) if (put < round) this.#put.delete(other);
    return hash;
  }

  /** Of those that the transport still has to hold. */
  get references(): Reference[] {
    return Array.from(this.#put.values(), ({ reference }) => reference);
  }
}

/**
 * Fetches a blob and opens it.
 *
 * @param context that the blobs of its owner have @param limit of the blob's bytes @param from as of `Transport.getBlob`
 * @throws GraftError SEAL_BROKEN; as `Transport.getBlob`
 */
export async function fetchBlob(
  transport: Transport,
  { hash, address, key }: Reference,
  context: Uint8Array,
  limit: number,
  from?: { site: string; round: number },
): Promise<Uint8Array> {
  const sealed = await transport.getBlob(address, limit + tagSize, from);
  const inPlace = sealed.subarray(0, Math.max(0, sealed.length - tagSize));
  const plain = await runWithPauses(decrypting(sealed, { key, beside: boundTo(context, hash) }, inPlace));
  if (!plain) throw federateError('SEAL_BROKEN', { what: `The blob ${hash}` });
  return plain;
}
