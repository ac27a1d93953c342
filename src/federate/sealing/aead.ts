/**
 * AES-256-GCM. Bytes go through it in pieces, since Node.js makes another array of all that it is given at once: of a large
 * payload there are the plain bytes and the sealed ones, and nothing else.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

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
const piece = 2 ** 20;
const algorithm = 'aes-256-gcm';
const once = new Uint8Array(12);

function* piecesOf(bytes: Uint8Array): Generator<[at: number, piece: Uint8Array]> {
  for (let at = 0; at < bytes.length; at += piece) yield [at, bytes.subarray(at, at + piece)];
}

/** @returns the encrypted bytes and their tag */
export function encrypt(plain: Uint8Array, { key, nonce = once, beside }: AeadKey): Uint8Array {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagSize }).setAAD(beside);
  const sealed = new Uint8Array(plain.length + tagSize);
  for (const [at, part] of piecesOf(plain)) sealed.set(cipher.update(part), at);
  cipher.final();
  sealed.set(cipher.getAuthTag(), plain.length);
  return sealed;
}

/** @returns undefined where the bytes are not what this key made */
export function decrypt(sealed: Uint8Array, { key, nonce = once, beside }: AeadKey): Uint8Array | undefined {
  const length = sealed.length - tagSize;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagSize })
    .setAAD(beside)
    .setAuthTag(sealed.subarray(length));
  const plain = new Uint8Array(length);
  for (const [at, part] of piecesOf(sealed.subarray(0, length))) plain.set(decipher.update(part), at);
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}
