/**
 * AES-256-GCM. Bytes go through it in pieces, since Node.js makes another array of all that it is given at once: of a large
 * payload there are the plain bytes and the sealed ones, and nothing else. Between pieces the event loop may have its turn.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { type Pausing, pause, runWithoutPauses } from '../../core/index.js';

export interface AeadKey {
  /** 32 bytes. */
  key: Uint8Array;
  /** 12 bytes; zeros where the key is used for one message alone. */
  nonce?: Uint8Array;
  /** What is not encrypted and must not be changed either. */
  beside: Uint8Array;
}

/** Bytes that the tag adds. */
export const tagSize = 16;
/** Bytes that go through the cipher at once, and between two pauses: a few milliseconds of work. */
const piece = 2 ** 17;
const stretch = 2 ** 22;
const algorithm = 'aes-256-gcm';
const once = new Uint8Array(12);

/** @param into may be where the bytes are */
function* through(
  cipher: { update(bytes: Uint8Array): Uint8Array },
  bytes: Uint8Array,
  into: Uint8Array,
): Pausing<void> {
  for (let at = 0; at < bytes.length; at += piece) {
    if (at > 0 && at % stretch === 0) yield pause;
    into.set(cipher.update(bytes.subarray(at, at + piece)), at);
  }
}

/** @returns the encrypted bytes and their tag */
export function* encrypting(plain: Uint8Array, { key, nonce = once, beside }: AeadKey): Pausing<Uint8Array> {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagSize }).setAAD(beside);
  const sealed = new Uint8Array(plain.length + tagSize);
  yield* through(cipher, plain, sealed);
  cipher.final();
  sealed.set(cipher.getAuthTag(), plain.length);
  return sealed;
}

/**
 * @param plain where the plain bytes go, which may be where the sealed ones are
 * @returns undefined where the bytes are not what this key made
 */
export function* decrypting(
  sealed: Uint8Array,
  { key, nonce = once, beside }: AeadKey,
  plain: Uint8Array = new Uint8Array(Math.max(0, sealed.length - tagSize)),
): Pausing<Uint8Array | undefined> {
  const { length } = plain;
  if (sealed.length < tagSize) return undefined;
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagSize })
    .setAAD(beside)
    .setAuthTag(sealed.subarray(length));
  yield* through(decipher, sealed.subarray(0, length), plain);
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

/** As `encrypting`, in one go. */
export const encrypt = (plain: Uint8Array, key: AeadKey): Uint8Array => runWithoutPauses(encrypting(plain, key));

/** As `decrypting`, in one go. */
export const decrypt = (sealed: Uint8Array, key: AeadKey): Uint8Array | undefined =>
  runWithoutPauses(decrypting(sealed, key));
