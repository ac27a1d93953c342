/**
 * What a header says of who the patient is, and paths without it: hospitals name folders by their patients.
 *
 * A name is found in whatever form it is in a path: composed or decomposed letters, without accents or as `ue` for `ü`, in
 * any case, with any separators, the parts in any order, in every script that the header writes it in.
 *
 * Left out: transliteration; a name that the header has in Cyrillic alone is not found in Latin letters.
 */
import { type Elements, personNames } from './data-set.js';
import type { TagName } from './tags.js';

/** Words to look for in paths, each alone or two run together, in any order. */
export type Identifying = readonly string[];

const identifiers: readonly TagName[] = ['patientId', 'otherPatientIds', 'accession', 'institution'];
/** Names are also read as what they would be if the header declared the wrong character set, or none. */
const otherwise = ['utf-8', 'latin1', 'shift_jis', 'gb18030', 'euc-kr', 'windows-1251'];

export function identifyingOf(elements: Elements): Identifying[] {
  const readings = (name: TagName) => {
    const bytes = elements.bytes(name);
    if (!bytes?.length) return [];
    const texts = [elements.decoded(name)!];
    if (bytes.some((byte) => byte >= 0x80))
      for (const encoding of otherwise) texts.push(new TextDecoder(encoding).decode(bytes));
    return [...new Set(texts)].filter((text) => !text.includes('\ufffd'));
  };
  const names = personNames.flatMap(readings).flatMap((name) => name.split(/[=\\]/));
  const birth = elements.text('birthDate') ?? '';
  const [, year, month, day] = /^(\d{4})\.?(\d\d)\.?(\d\d)$/.exec(birth) ?? [];
  const dates = year ? [`${year}${month}${day}`, `${day}${month}${year}`, `${month}${day}${year}`] : [];
  return [
    ...names.map((name) => name.split(/[^\p{L}\p{M}\p{N}]+/u).filter((word) => word !== '')),
    // One or two characters identify nobody, and are in every path.
    ...[...identifiers.flatMap(readings).flatMap((text) => text.split('\\')), ...dates]
      .filter((text) => text.length > 2)
      .map((text) => [text]),
  ];
}

/** A letter of a path as it is compared, and which character it came from. */
interface Letter {
  letter: string;
  /** Character of the path, as an index among its code points. */
  at: number;
}

/** @returns paths as they may be shown: with `…` for what identifies somebody */
export function maskerOf(all: Iterable<Identifying>): (path: string) => string {
  const needles = new Set<string>();
  // Every image of a series says the same.
  for (const words of new Map([...all].map((words) => [words.join(' '), words])).values()) {
    for (const word of words) for (const spelling of spellings(word)) needles.add(spelling);
    for (const a of words)
      for (const b of words)
        if (a !== b) for (const first of spellings(a)) for (const second of spellings(b)) needles.add(first + second);
  }
  needles.delete('');
  return (path) =>
    path
      .split(/([/\\])/)
      .map((part) => maskPart(part, needles))
      .join('');
}

function maskPart(part: string, needles: ReadonlySet<string>): string {
  // The file system's bytes were no UTF-8: nothing can be found in such a name, and no file opened by it.
  if (part.includes('\ufffd')) return '…';
  const characters = [...part];
  const letters = characters.flatMap((character, at) =>
    [...folded(character)].map((letter): Letter => ({ letter, at })),
  );
  const text = letters.map(({ letter }) => letter).join('');
  const hidden = new Set<number>();
  for (const needle of needles) {
    for (let from = text.indexOf(needle); from >= 0; from = text.indexOf(needle, from + 1)) {
      const [first, last] = [letters[from].at, letters[from + needle.length - 1].at];
      if (isShort(needle) && !standsAlone(characters, first, last)) continue;
      for (let at = first; at <= last; at++) hidden.add(at);
      // Marks follow the letter that they belong to.
      for (let at = last + 1; at < characters.length && /\p{M}/u.test(characters[at]); at++) hidden.add(at);
    }
  }
  return characters.map((one, at) => (!hidden.has(at) ? one : hidden.has(at - 1) ? '' : '…')).join('');
}

/** One or two Latin letters or digits are in many words; in other scripts they are a name. */
const isShort = (needle: string) => needle.length < 3 && /^[a-z0-9]+$/.test(needle);

/** Whether a word ends at both sides: at what is no letter, and where letters turn to digits or to capitals. */
function standsAlone(characters: readonly string[], first: number, last: number): boolean {
  const kind = (at: number) =>
    /\p{L}|\p{M}/u.test(characters[at] ?? '') ? 'letter' : /\d/.test(characters[at] ?? '') ? 'digit' : '';
  const turns = (a: number, b: number) =>
    kind(a) !== kind(b) || kind(a) === '' || (/\p{Ll}/u.test(characters[a]) && /\p{Lu}/u.test(characters[b]));
  return turns(first - 1, first) && turns(last, last + 1);
}

const ligatures: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  ı: 'i',
  þ: 'th',
  ς: 'σ',
};

/** Letters and digits alone, without marks, small, Katakana as Hiragana. */
const folded = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
    .replace(/[ßæœøđðłıþς]/g, (letter) => ligatures[letter])
    .replace(/[\u30a1-\u30f6]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0x60));

/** A word as it is compared, also with `ue` for `ü` and the other way round. */
function spellings(word: string): string[] {
  const spelled = word
    .normalize('NFC')
    .toLowerCase()
    .replace(/[äöüø]/g, (letter) => `${folded(letter)}e`)
    .replaceAll('å', 'aa');
  const plain = folded(word);
  return [...new Set([plain, folded(spelled), plain.replace(/([aou])e/g, '$1'), plain.replace(/^0+(?=\d{3})/, '')])];
}
