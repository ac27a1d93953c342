/**
 * Text of a DICOM file as Unicode (PS3.3 C.12.1.1.2, PS3.5 6.1.2 and annexes H to K): single-byte sets, UTF-8, GB18030 and
 * GBK, and ISO 2022 escapes between the sets of Japanese, Korean, Chinese and the ISO 8859 family.
 *
 * Text is decoded whole or not at all: what does not decode is for the caller to keep as the bytes it is.
 */

/** Where bytes below (G0) and above (G1) 0x80 are looked up: the bytes of one character as those of an encoding that Node knows. */
interface CodeSet {
  half: 'G0' | 'G1';
  /** Bytes of a character. */
  width: 1 | 2;
  decode: (bytes: Uint8Array) => string;
}

const decoders = new Map<string, InstanceType<typeof TextDecoder>>();
/** @throws TypeError where the bytes are no text of the encoding */
function decodeAs(encoding: string, bytes: Uint8Array): string {
  const known = decoders.get(encoding) ?? new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  decoders.set(encoding, known);
  return known.decode(bytes);
}

const single = (encoding: string): CodeSet => ({
  half: 'G1',
  width: 1,
  decode: (bytes) => {
    if (bytes[0] < 0xa0) throw new TypeError('a control character');
    return decodeAs(encoding, bytes);
  },
});
const high = ([a, b]: Uint8Array) => [a | 0x80, b | 0x80];
const ascii: CodeSet = { half: 'G0', width: 1, decode: ([byte]) => String.fromCharCode(byte) };
const latin1: CodeSet = { ...single('iso-8859-1'), decode: ([byte]) => String.fromCharCode(byte) };
const katakana = single('shift_jis');
const kanji: CodeSet = { half: 'G0', width: 2, decode: (pair) => decodeAs('euc-jp', Uint8Array.of(...high(pair))) };
const moreKanji: CodeSet = {
  half: 'G0',
  width: 2,
  decode: (pair) => decodeAs('euc-jp', Uint8Array.of(0x8f, ...high(pair))),
};
const korean: CodeSet = { half: 'G1', width: 2, decode: (pair) => decodeAs('euc-kr', pair) };
const chinese: CodeSet = { half: 'G1', width: 2, decode: (pair) => decodeAs('gbk', pair) };

/** By number of registration (PS3.3 tables C.12-2 to C.12-4): the escape sequence without its ESC, and the set. */
const registered: Record<string, [escape: string, CodeSet]> = {
  '6': ['(B', ascii],
  '13': [')I', katakana],
  '14': ['(J', ascii],
  '58': ['$)A', chinese],
  '87': ['$B', kanji],
  '100': ['-A', latin1],
  '101': ['-B', single('iso-8859-2')],
  '109': ['-C', single('iso-8859-3')],
  '110': ['-D', single('iso-8859-4')],
  '126': ['-F', single('iso-8859-7')],
  '127': ['-G', single('iso-8859-6')],
  '138': ['-H', single('iso-8859-8')],
  '144': ['-L', single('iso-8859-5')],
  '148': ['-M', single('windows-1254')],
  '149': ['$)C', korean],
  '159': ['$(D', moreKanji],
  '166': ['-T', single('windows-874')],
  '203': ['-b', single('iso-8859-15')],
};
const escapes = Object.values(registered);
const escapeByte = 0x1b;

/** Sets that stand alone, without escapes. */
const whole: Record<string, string> = { 'ISO_IR 192': 'utf-8', GB18030: 'gb18030', GBK: 'gbk' };

/** Some writers take a minus or an underscore for the space. */
const termOf = (term: string) =>
  term
    .trim()
    .toUpperCase()
    .replace(/^ISO[ _-]2022[ _-]IR[ _-]/, 'ISO 2022 IR ')
    .replace(/^ISO[ _-]IR[ _-]/, 'ISO_IR ')
    .replace(/^ISO[ _-]2022[ _-]GBK$/, 'GBK');

/** After these a value, and in names a component, begins in the first set again (PS3.5 6.1.2.5.3). */
const delimiters = { text: '\\\t\n\f\r', name: '\\\t\n\f\r^=' };

/**
 * @param sets values of Specific Character Set; none means ASCII
 * @param kind a person's name has more delimiters than other text
 * @returns undefined where the bytes are no text of these sets
 */
export function decodeText(
  bytes: Uint8Array,
  sets: readonly string[],
  kind: 'text' | 'name' = 'text',
): string | undefined {
  if (bytes.every((byte) => byte < 0x80 && byte !== escapeByte)) return Buffer.from(bytes).toString('latin1');
  const [first = '', ...others] = sets.map(termOf);
  try {
    if (whole[first]) return decodeAs(whole[first], bytes);
    const number = /^(?:ISO_IR|ISO 2022 IR) (\d+)$/.exec(first)?.[1];
    const initial = number === undefined ? undefined : registered[number]?.[1];
    // Bytes that no set is declared for mean nothing that could be known.
    if (first !== '' ? initial === undefined : others.length === 0) return undefined;
    return decodeExtended(bytes, initial, delimiters[kind]);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** @throws TypeError where a byte belongs to no set in use */
function decodeExtended(bytes: Uint8Array, initial: CodeSet | undefined, resets: string): string {
  const start = { G0: ascii, G1: undefined, ...(initial && { [initial.half]: initial }) } as Record<
    CodeSet['half'],
    CodeSet | undefined
  >;
  let inUse = { ...start };
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === escapeByte) {
      const follows = String.fromCharCode(...bytes.subarray(at + 1, at + 4));
      const found = escapes.find(([sequence]) => follows.startsWith(sequence));
      if (!found) throw new TypeError('an unknown escape sequence');
      inUse[found[1].half] = found[1];
      at += 1 + found[0].length;
      continue;
    }
    const low = bytes[at] < 0x80;
    // Spaces and control characters are the same in every set.
    const set = low && bytes[at] <= 0x20 ? ascii : inUse[low ? 'G0' : 'G1'];
    if (!set || at + set.width > bytes.length) throw new TypeError('a byte of no set');
    const character = set.decode(bytes.subarray(at, at + set.width));
    text += character;
    at += set.width;
    if (set.width === 1 && resets.includes(character)) inUse = { ...start };
  }
  return text;
}
