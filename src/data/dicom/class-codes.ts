/**
 * What a class is, in codes that other programs understand: by its name from the table of common organs, or as a file says.
 * A name that nobody knows is a tissue with a label of its own.
 */
import { lesions, structures, tissues, vertebrae } from './codes.js';
import { distinctColour, type Rgb } from './colour.js';

/** A coded concept: `value` in a coding scheme, SCT for SNOMED CT. */
export interface Code {
  value: string;
  scheme: string;
  meaning: string;
}

export interface ClassCodes {
  category: Code;
  type: Code;
  /** Which of them: left, anterior, … */
  modifier?: Code | undefined;
  /** Where it is. */
  region?: Code | undefined;
  regionModifier?: Code | undefined;
  colour: Rgb;
}

const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning });
const structure = sct('91723000', 'Anatomical Structure');
const tissue = sct('85756007', 'Tissue');
const altered = sct('49755003', 'Morphologically Abnormal Structure');

const modifiers: Record<string, Code> = {
  left: sct('7771000', 'Left'),
  right: sct('24028007', 'Right'),
  anterior: sct('255549009', 'Anterior'),
  posterior: sct('255551008', 'Posterior'),
};

type Entry = Pick<ClassCodes, 'category' | 'type' | 'colour'>;

/** Words in any order, in British or American spelling: `Tumour_liver`, `liverTumor` and `liver-tumor` are the same. */
const wordsOf = (name: string): string[] =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .replace(/tumour/g, 'tumor')
    .replace(/\boe(sophagus|dema)/g, 'e$1')
    .replace(/haemo/g, 'hemo')
    .replace(/grey/g, 'gray')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '' && word !== 'the' && word !== 'of');

const keyOf = (words: readonly string[]) => [...words].sort().join(' ');
const singular = (word: string) =>
  ({ vertebrae: 'vertebra', arteries: 'artery', ovaries: 'ovary', testes: 'testis' })[word] ??
  word.replace(/(?<=[a-z]{2}[^sui])s$/, '');

function tableOf(lines: readonly string[], category: Code): Map<string, Entry> {
  return new Map(
    lines.flatMap((line) => {
      const [names, value, meaning, colour] = line.split('; ');
      const entry = { category, type: sct(value, meaning), colour: colour.split(',').map(Number) as unknown as Rgb };
      return names.split(', ').map((name): [string, Entry] => [keyOf(wordsOf(name)), entry]);
    }),
  );
}

const vertebraLines = Object.entries(vertebrae).flatMap(([part, codes]) =>
  codes.map((value, i) => {
    const name = `${part}${i + 1}`;
    return `${name}, vertebra ${name}; ${value}; ${name} vertebra; 226,202,134`;
  }),
);
const organs = new Map([...tableOf([...structures, ...vertebraLines], structure), ...tableOf(tissues, tissue)]);
const lesionTable = tableOf(lesions, altered);

function organOf(words: readonly string[]): Entry | undefined {
  return (
    organs.get(keyOf(words)) ??
    organs.get(keyOf(words.map(singular))) ??
    // Ribs are counted, and so are parts that a name numbers.
    (words.some((word) => /^\d+$/.test(word)) ? organOf(words.filter((word) => !/^\d+$/.test(word))) : undefined)
  );
}

/** An organ with the side or part of it that a name says beside it. */
function placedOrgan(words: readonly string[]): { entry: Entry; modifier?: Code } | undefined {
  const whole = organOf(words);
  if (whole) return { entry: whole };
  const side = words.find((word) => Object.hasOwn(modifiers, word));
  const rest = organOf(words.filter((word) => word !== side));
  return side !== undefined && rest ? { entry: rest, modifier: modifiers[side] } : undefined;
}

/** What the name says, as far as the table knows it. */
function knownCodes(name: string): ClassCodes | undefined {
  const words = wordsOf(name);
  const organ = placedOrgan(words);
  if (organ) return { ...organ.entry, modifier: organ.modifier };
  const found = words.find((word) => lesionTable.has(word) || lesionTable.has(singular(word)));
  if (!found) return undefined;
  const lesion = lesionTable.get(found) ?? lesionTable.get(singular(found))!;
  const region = placedOrgan(words.filter((word) => word !== found));
  return { ...lesion, region: region?.entry.type, regionModifier: region?.modifier };
}

/** Codes of classes that a file gives, by their names. */
export type GivenCodes = ReadonlyMap<string, Partial<ClassCodes>>;

/**
 * @param number of the class, from 0; it gives an unknown one its colour
 * @param given codes that a file says; they go before the table
 */
export function codesOf(name: string, number: number, given?: GivenCodes): ClassCodes {
  const generic = { category: structure, type: tissue, colour: distinctColour(number) };
  const known = knownCodes(name) ?? generic;
  const said = given?.get(name);
  // A code of its own takes nothing of the table but the kind and the colour.
  return said?.type ? { ...generic, category: known.category, colour: known.colour, ...said } : { ...known, ...said };
}
