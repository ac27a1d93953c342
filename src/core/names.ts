/**
 * Names that people give: of sites, cases, methods and classes. They become files, folders and keys, and stand in reports
 * and tables, on whatever system the data are looked at next.
 */

const longest = 128;
/** What no file may be called on Windows, what leads elsewhere, and what begins a tag. */
const forbidden = /[<>:"/\\|?*]/;

/** Why a name cannot be used as a key of results, in words for the user; undefined where it can. */
export function keyFault(name: string): string | undefined {
  if (name === '') return 'it is empty';
  // Objects have these already.
  if (name in {} || name === 'prototype') return 'the word is reserved';
  if (/\p{C}/u.test(name)) return 'it holds a control character';
  const bytes = Buffer.byteLength(name);
  return bytes > longest ? `it has ${bytes} bytes, more than ${longest}` : undefined;
}

/**
 * Why a name cannot become a file's or a folder's, in words for the user; undefined where it can. Letters of any
 * language, digits, spaces and most signs are fine.
 */
export function nameFault(name: string): string | undefined {
  const fault = keyFault(name);
  if (fault) return fault;
  const sign = forbidden.exec(name)?.[0];
  if (sign) return `it holds ${sign}`;
  if (/^[.\-\s]/.test(name)) return 'it begins with a dot, a dash or a space';
  return /[.\s]$/.test(name) ? 'it ends with a dot or a space' : undefined;
}

/** The first item of a list that stands in it before, too. */
export const repeated = <Item>(list: readonly Item[]): Item | undefined =>
  list.find((item, i) => list.indexOf(item) < i);

/** A name as a message shows it: in one line, without what would not be seen, and not endless. */
export function shownName(name: string): string {
  const characters = [
    ...name.replace(/\p{C}/gu, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`),
  ];
  return characters.length > 60 ? `${characters.slice(0, 59).join('')}…` : characters.join('');
}

/** Most characters of a text of others that is kept and shown. */
export const textLimit = 1000;

/**
 * A text of others, or an error that quotes them, as it is recorded and shown: in one line, without what a terminal obeys or
 * what turns the direction of reading, and not endless.
 */
export const shownText = (text: string): string =>
  text.slice(0, textLimit).replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' ');
