/**
 * Six words for a key, for people to compare by telephone: the first 66 bits of the key's SHA-256, eleven bits a word, from
 * the English list of BIP 39. Its 2048 words were chosen to be told apart by their first four letters.
 */
import { createHash } from 'node:crypto';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { shownName } from '../core/index.js';
import { federationError } from './errors.js';
import type { PublicKeys } from './keys.js';

const COUNT = 6;

/** `brave cousin …`: they stand for the signing key, which vouches for the other keys. */
export function wordsOf({ signing }: PublicKeys): string {
  const digest = createHash('sha256').update(Buffer.from(signing, 'base64')).digest();
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Array.from({ length: COUNT }, (_, i) => wordlist[Number.parseInt(bits.slice(11 * i, 11 * i + 11), 2)]).join(
    ' ',
  );
}

/** Whether somebody wrote these words, in capitals or with other signs between them. */
export const areWords = (given: string, words: string): boolean =>
  given
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean)
    .join(' ') === words;

/** @param given by whom the file comes from @param file for the message @throws GraftError WORDS_DIFFER */
export function checkWords(given: string, words: string, file: string): void {
  if (!areWords(given, words)) throw federationError('WORDS_DIFFER', { file, found: words, given: shownName(given) });
}
