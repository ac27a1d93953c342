/**
 * Names for patients that tell nothing: an HMAC (RFC 2104) with SHA-256 of the identifier under a key that stays on this
 * machine. The same patient has the same name as long as the key is the same, and without the key nobody can find a
 * patient by trying all identifiers.
 *
 * Left out: a table of names and patients. Who has the key and the images can go back (`whois.ts`).
 */
import { createHmac, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { readSecret, temporaryBeside, writing } from '../../core/index.js';
import { dicomError } from './errors.js';

const keyBytes = 32;

/** Eight hexadecimal digits: of 10,000 patients, two share them with a probability of about one in a hundred. */
const shortened = (text: string, key: Uint8Array, digits = 8) =>
  createHmac('sha256', key).update(text).digest('hex').slice(0, digits);

/**
 * @param digits more where the pseudonym takes the identifier's place, as then no two patients may share one
 * @returns such as `patient-1a2b3c4d`
 */
export const pseudonymise = (patientId: string, key: Uint8Array, digits?: number): string =>
  `patient-${shortened(patientId, key, digits)}`;

/** A name for a series: its number, which scanners count up, and eight digits. @returns such as `003-1a2b3c4d` */
export const seriesName = (uid: string, number: number | undefined, key: Uint8Array): string =>
  `${String(number ?? 0).padStart(3, '0')}-${shortened(uid, key)}`;

/** A name for a file or folder that stands for a unique identifier: 16 hexadecimal digits. */
export const uidName = (uid: string, key: Uint8Array): string => shortened(uid, key, 16);

/** Where the key lies: `$XDG_CONFIG_HOME/graft/pseudonym.key`, or below `~/.config`. */
const keyFile = () => join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'graft', 'pseudonym.key');

/**
 * The key of this user on this machine, uint8 [32]; made at its first use, readable by the user alone.
 *
 * @throws GraftError PSEUDONYM_KEY where the file is not a key, SECRET_EXPOSED where others may read it, WRITE_FAILED
 */
export function pseudonymKey(file = keyFile()): Uint8Array {
  const known = readKey(file);
  if (known) return known;
  writing(file, () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const temporary = temporaryBeside(file);
    try {
      writeFileSync(temporary, randomBytes(keyBytes), { flag: 'wx', mode: 0o600 });
      // Fails where another process was first: then its key holds.
      linkSync(temporary, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
  });
  return readKey(file)!;
}

/** A key that is there already. @throws GraftError PSEUDONYM_KEY_MISSING, PSEUDONYM_KEY, SECRET_EXPOSED */
export function knownKey(file = keyFile()): Uint8Array {
  const key = readKey(file);
  if (!key) throw dicomError('PSEUDONYM_KEY_MISSING', { file });
  return key;
}

function readKey(file: string): Uint8Array | undefined {
  const key = readSecret(file);
  if (!key) return undefined;
  if (key.length !== keyBytes) throw dicomError('PSEUDONYM_KEY', { file, found: `${key.length} bytes` });
  return key;
}
