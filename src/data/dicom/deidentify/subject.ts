/**
 * What takes the place of a patient's identifiers: the same under one key in every run, so that images and visits of one
 * patient stay together. Everything is an HMAC-SHA-256 of what it stands for, and without the key leads back to nothing.
 */
import { createHmac } from 'node:crypto';
import { decodeText } from '../charset.js';
import type { Elements } from '../data-set.js';
import { identifyingOf, maskerOf } from '../identifying.js';
import { asciiOf } from '../identity.js';
import { pseudonymise } from '../pseudonym.js';

/** A patient, as one of their files says. */
export interface Subject {
  /** Such as `patient-1a2b3c4d5e6f7a8b`: begins like the pseudonym that other commands show. */
  pseudonym: string;
  /** Dates lie so many days earlier, the same for all of a patient. */
  daysEarlier: number;
  uid: (original: string) => string;
  /** Whether a text may stay: it does not name the patient. */
  harmless: (value: Buffer) => boolean;
  /** Words that name the patient, small, in plain letters. */
  names: ReadonlySet<string>;
  decode: (value: Buffer) => string;
}

const mostDays = 3650;

const digestOf = (kind: string, text: string, key: Uint8Array) =>
  createHmac('sha256', key).update(`${kind}\0${text}`).digest();

/** An identifier of the same rank in the place of another (PS3.5 B.2). */
export const newUid = (original: string, key: Uint8Array): string =>
  `2.25.${BigInt(`0x${digestOf('uid', original, key).subarray(0, 16).toString('hex')}`)}`;

/** @param named whether the institution may stay named */
export function subjectOf(elements: Elements, key: Uint8Array, named: boolean): Subject {
  const id = elements.bytes('patientId')?.toString('latin1').split('\\')[0].trim();
  // Where a file names no patient, patients are told apart by study.
  const identifier = id || `study ${elements.text('study') ?? ''}`;
  const institution = elements.decoded('institution');
  const identifying = identifyingOf(elements).filter((words) => !(named && words.join(' ') === institution));
  const mask = maskerOf(identifying);
  const sets = elements.texts('characterSet');
  const decode = (value: Buffer) => decodeText(value, sets) ?? value.toString('latin1');
  return {
    pseudonym: pseudonymise(identifier, key, 16),
    daysEarlier: 1 + (digestOf('dates', identifier, key).readUInt32BE() % mostDays),
    uid: (original) => newUid(original, key),
    harmless: (value) => {
      const text = decode(value);
      return mask(text) === text;
    },
    names: new Set(
      identifying.flat().flatMap((word) =>
        asciiOf(word)
          .toLowerCase()
          .split(/[^a-z0-9]+/),
      ),
    ),
    decode,
  };
}
