/**
 * The keys of one party, coordinator or site: Ed25519 signs what it says (RFC 8032), X25519 receives what is encrypted for
 * it (RFC 7748), and an EC key on P-256 is for TLS. Each is a file in PKCS #8 that its owner alone may read; none ever
 * leaves the folder in which it was made.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readSecret, writeSecret } from '../core/index.js';
import { federationError } from './errors.js';

/** Private keys. */
export interface PartyKeys {
  signing: KeyObject;
  payload: KeyObject;
  tls: KeyObject;
}
export type KeyKind = keyof PartyKeys;

/** What others may know of them: SubjectPublicKeyInfo as DER in base64. */
export interface PublicKeys {
  signing: string;
  payload: string;
}

const types: Record<KeyKind, string> = { signing: 'ed25519', payload: 'x25519', tls: 'P-256' };
const kinds = Object.keys(types) as KeyKind[];

const typeOf = (key: KeyObject): string => {
  const { asymmetricKeyType = 'secret', asymmetricKeyDetails } = key;
  if (asymmetricKeyType !== 'ec') return asymmetricKeyType;
  const { namedCurve = 'ec' } = asymmetricKeyDetails ?? {};
  return namedCurve === 'prime256v1' ? 'P-256' : namedCurve;
};

export const newKey = (kind: KeyKind): KeyObject =>
  kind === 'tls'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    : kind === 'signing'
      ? generateKeyPairSync('ed25519').privateKey
      : generateKeyPairSync('x25519').privateKey;

/** Writes a private key that its owner alone may read. @throws GraftError WRITE_FAILED */
export const writeKey = (file: string, key: KeyObject): void =>
  writeSecret(file, key.export({ type: 'pkcs8', format: 'pem' }) as string);

/** @throws GraftError KEY_MISSING, KEY_UNUSABLE; SECRET_EXPOSED where others may read the file */
export function readKey(file: string, kind: KeyKind): KeyObject {
  const text = readSecret(file);
  if (!text) throw federationError('KEY_MISSING', { file });
  const unusable = (found: string, cause?: unknown) =>
    federationError('KEY_UNUSABLE', { file, type: types[kind], found }, cause);
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (error) {
    throw unusable('something else', error);
  }
  if (typeOf(key) !== types[kind]) throw unusable(`one of the type ${typeOf(key)}`);
  return key;
}

const fileOf = (folder: string, kind: KeyKind) => join(folder, `${kind}.pem`);
const keysBy = (read: (kind: KeyKind) => KeyObject) =>
  Object.fromEntries(kinds.map((kind) => [kind, read(kind)])) as unknown as PartyKeys;

/** The keys in a folder. @throws GraftError KEY_MISSING, KEY_UNUSABLE, SECRET_EXPOSED */
export const readKeys = (folder: string): PartyKeys => keysBy((kind) => readKey(fileOf(folder, kind), kind));

/** The keys in a folder; those that are missing are made. @throws GraftError KEY_UNUSABLE, SECRET_EXPOSED, WRITE_FAILED */
export const makeKeys = (folder: string): PartyKeys =>
  keysBy((kind) => {
    const file = fileOf(folder, kind);
    if (!readSecret(file)) writeKey(file, newKey(kind));
    return readKey(file, kind);
  });

/** SubjectPublicKeyInfo of a key, or of the public part of a private one. */
export const publicDer = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });

const publicText = (key: KeyObject) => publicDer(key).toString('base64');

export const publicKeysOf = ({ signing, payload }: PartyKeys): PublicKeys => ({
  signing: publicText(signing),
  payload: publicText(payload),
});

/** The public key that a text of `PublicKeys` stands for. @throws Error where it stands for none */
export function publicKeyOf(text: string, kind: keyof PublicKeys): KeyObject {
  const der = Buffer.from(text, 'base64');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  if (typeOf(key) !== types[kind]) throw new Error(`it is of the type ${typeOf(key)}, not ${types[kind]}`);
  if (publicText(key) !== text) throw new Error('it is not written as graft writes keys');
  return key;
}

const keySchema = (kind: keyof PublicKeys) =>
  z
    .string()
    .max(100)
    .refine((text) => {
      try {
        return publicKeyOf(text, kind) !== undefined;
      } catch {
        return false;
      }
    }, `expected a public ${types[kind]} key`);

export const publicKeysSchema = z.strictObject({ signing: keySchema('signing'), payload: keySchema('payload') });
