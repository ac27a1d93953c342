/**
 * Sealing for one reader, who knows the sender: HPKE in its authenticated mode (RFC 9180), one message per encapsulation,
 * with X25519, HKDF-SHA256 and AES-256-GCM.
 */
import { createHmac, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decrypt, encrypt } from './aead.js';
import { publicHalf, rawKey, rawPublic } from './keys.js';

/** HKDF-Extract (RFC 5869, 2.2) with SHA-256. */
export const extract = (salt: Uint8Array | string, secret: Uint8Array): Buffer =>
  createHmac('sha256', salt).update(secret).digest();

/** HKDF-Expand (RFC 5869, 2.3) with SHA-256. @param length bytes, 8,160 at most */
export function expand(key: Uint8Array, info: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 1; blocks.length * 32 < length; i++)
    blocks.push(
      createHmac('sha256', key)
        .update(blocks.at(-1) ?? '')
        .update(info)
        .update(Uint8Array.of(i))
        .digest(),
    );
  return Buffer.concat(blocks).subarray(0, length);
}

const version = Buffer.from('HPKE-v1');
/** Numbers of RFC 9180, 7: of the key encapsulation, and of all three algorithms. */
const kem = Buffer.from([...Buffer.from('KEM'), 0, 0x20]);
const suite = Buffer.from([...Buffer.from('HPKE'), 0, 0x20, 0, 1, 0, 2]);
const authenticated = 2;
const nothing = Buffer.alloc(0);

const labelledExtract = (id: Buffer, salt: Uint8Array, label: string, secret: Uint8Array) =>
  extract(salt, Buffer.concat([version, id, Buffer.from(label), secret]));
const labelledExpand = (id: Buffer, key: Uint8Array, label: string, info: Uint8Array, length: number) =>
  expand(key, Buffer.concat([Uint8Array.of(length >> 8, length & 255), version, id, Buffer.from(label), info]), length);

/** Of both sides (`ExtractAndExpand`, RFC 9180, 4.1). @param shared both Diffie-Hellman values @param keys public, as they are mixed in */
const sharedSecret = (shared: Buffer, keys: Buffer) =>
  labelledExpand(kem, labelledExtract(kem, nothing, 'eae_prk', shared), 'shared_secret', keys, 32);

/** The key of one message (RFC 9180, 5.1). @param context what the message is: no other one can be opened with it */
function schedule(secret: Buffer, context: Uint8Array): { key: Buffer; nonce: Buffer } {
  const mixed = Buffer.concat([
    Uint8Array.of(authenticated),
    labelledExtract(suite, nothing, 'psk_id_hash', nothing),
    labelledExtract(suite, nothing, 'info_hash', context),
  ]);
  const derived = labelledExtract(suite, secret, 'secret', nothing);
  return {
    key: labelledExpand(suite, derived, 'key', mixed, 32),
    nonce: labelledExpand(suite, derived, 'base_nonce', mixed, 12),
  };
}

/** What the reader learns of its private key, the sender and what was sent along (`AuthDecap`). @throws Error for a point of low order */
export function decapsulate(encapsulated: Uint8Array, reader: KeyObject, sender: KeyObject): Buffer {
  const shared = [rawKey(encapsulated), sender].map((publicKey) => diffieHellman({ privateKey: reader, publicKey }));
  return sharedSecret(
    Buffer.concat(shared),
    Buffer.concat([encapsulated, rawPublic(publicHalf(reader)), rawPublic(sender)]),
  );
}

function encapsulate(reader: KeyObject, sender: KeyObject): { encapsulated: Buffer; secret: Buffer } {
  const once = generateKeyPairSync('x25519');
  const shared = [once.privateKey, sender].map((privateKey) => diffieHellman({ privateKey, publicKey: reader }));
  const encapsulated = rawPublic(once.publicKey);
  const keys = Buffer.concat([encapsulated, rawPublic(reader), rawPublic(publicHalf(sender))]);
  return { encapsulated, secret: sharedSecret(Buffer.concat(shared), keys) };
}

/** Bytes that sealing adds: an ephemeral public key and a tag. */
export const sealSize = 48;

export interface Seal {
  /** What the message is; the receiver has to name the same. */
  context: Uint8Array;
  /** What travels beside it in the clear and must not be changed. */
  beside?: Uint8Array;
}

/** @param reader public key @param sender private key */
export function sealFor(
  reader: KeyObject,
  sender: KeyObject,
  plain: Uint8Array,
  { context, beside = nothing }: Seal,
): Buffer {
  const { encapsulated, secret } = encapsulate(reader, sender);
  const { key, nonce } = schedule(secret, context);
  return Buffer.concat([encapsulated, encrypt(plain, { key, nonce, beside })]);
}

/** @param reader private key @param sender public key @returns undefined where these did not seal it so */
export function openFrom(
  sender: KeyObject,
  reader: KeyObject,
  sealed: Uint8Array,
  { context, beside = nothing }: Seal,
): Uint8Array | undefined {
  if (sealed.length < sealSize) return undefined;
  try {
    const { key, nonce } = schedule(decapsulate(sealed.subarray(0, 32), reader, sender), context);
    return decrypt(sealed.subarray(32), { key, nonce, beside });
  } catch {
    return undefined; // a point of low order, which no honest sender makes
  }
}
