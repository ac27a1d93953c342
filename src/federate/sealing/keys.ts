/** X25519 keys (RFC 7748): texts as they are exchanged, 32 bytes as they are computed with. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { federateError } from '../errors.js';

/** @param key DER in base64 @param owner whose it should be, for the message @throws GraftError SEALING_KEY_INVALID */
export function sealingKeyOf(key: string, owner: string): KeyObject {
  try {
    const object = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
    if (object.asymmetricKeyType === 'x25519') return object;
  } catch {
    // It is no key at all.
  }
  throw federateError('SEALING_KEY_INVALID', { owner });
}

export const publicHalf = (key: KeyObject): KeyObject => createPublicKey(key);

/** 32 bytes of a public key. */
export const rawPublic = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url');

/** 32 bytes of a private key. */
export const rawPrivate = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url');

/** The public key of 32 bytes. */
export const rawKey = (bytes: Uint8Array): KeyObject =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(bytes).toString('base64url') },
    format: 'jwk',
  });

export const labelSize = 8;
/** Short name of a public key, by which its owner finds what is meant for it. */
export const labelOf = (key: KeyObject): Buffer =>
  createHash('sha256').update(rawPublic(key)).digest().subarray(0, labelSize);
