/** Text in every character set of the standard, and what is no text. */
import { describe, expect, it } from 'vitest';
import { decodeText } from '../../src/data/dicom/charset.js';
import { names } from './names.js';

const bytesOf = (hex: string) => Buffer.from(hex, 'hex');

describe('a name is read as it was written:', () => {
  it.each(names)('%s', (_, sets, hex, name) => {
    expect(decodeText(bytesOf(hex), sets, 'name')).toBe(name);
  });

  it('with a misspelt character set', () => {
    expect(decodeText(bytesOf('4afc7267'), ['ISO-IR 100'])).toBe('Jürg');
  });

  it('a delimiter ends what an escape sequence began', () => {
    // After ^ the byte c1 is Latin-1 again, not Cyrillic.
    expect(decodeText(bytesOf('1b2d4cc15ec1'), ['ISO 2022 IR 100', 'ISO 2022 IR 144'], 'name')).toBe('С^Á');
  });
});

describe('bytes are no text', () => {
  it.each([
    ['that are declared to be UTF-8 and are not', ['ISO_IR 192'], '4afc7267'],
    ['of no declared set', [], '4afc7267'],
    ['of a set that is not known', ['ISO_IR 999'], '4afc7267'],
    ['after an unknown escape sequence', ['', 'ISO 2022 IR 87'], '1b2a5a41'],
    ['with half a character', ['', 'ISO 2022 IR 87'], '1b244230'],
  ] as [string, string[], string][])('%s', (_, sets, hex) => {
    expect(decodeText(bytesOf(hex), sets)).toBeUndefined();
  });
});
