/**
 * A task as it travels: in the clear which epoch it is of and where the epoch's key ring lies, then the task, which only
 * that epoch's key opens. Each has a key of its own, made from the epoch's and from random bytes.
 */
import { randomBytes } from 'node:crypto';
import { decrypt, encrypt, tagSize } from './aead.js';
import { contextOf } from './context.js';
import { type Epoch, epochIdSize } from './epoch.js';
import { expand } from './hpke.js';

/** Of the format; another one is refused. */
export const sealVersion = 1;
const hashSize = 32;
const saltSize = 32;
const [ringAt, saltAt] = [1 + epochIdSize, 1 + epochIdSize + hashSize];
const headerSize = saltAt + saltSize;

const keyFor = (federation: string, { secret }: Epoch, header: Uint8Array) => ({
  key: expand(secret, Buffer.concat([contextOf(federation, 'task'), header]), 32),
  beside: header,
});

/** @param ring address of the key ring */
export function sealTask(plain: Uint8Array, federation: string, epoch: Epoch, ring: string): Buffer {
  const header = Buffer.concat([Uint8Array.of(sealVersion), epoch.id, Buffer.from(ring, 'hex'), randomBytes(saltSize)]);
  return Buffer.concat([header, encrypt(plain, keyFor(federation, epoch, header))]);
}

/** What is in the clear; undefined where it is no sealed task. */
export function headerOf(task: Uint8Array): { epoch: string; ring: string } | undefined {
  if (task.length < headerSize + tagSize || task[0] !== sealVersion) return undefined;
  const hex = (from: number, to: number) => Buffer.from(task.subarray(from, to)).toString('hex');
  return { epoch: hex(1, ringAt), ring: hex(ringAt, saltAt) };
}

/** @returns undefined where it is not what the epoch's key sealed */
export const openTask = (task: Uint8Array, federation: string, epoch: Epoch): Uint8Array | undefined =>
  decrypt(task.subarray(headerSize), keyFor(federation, epoch, task.slice(0, headerSize)));
