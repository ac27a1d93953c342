/** What was read of a DICOM data set, and what can go wrong with one. */
import { decodeText } from './charset.js';
import { type TagName, tags } from './tags.js';

/** What makes a file unreadable, in words for the user. */
export class DamagedFile extends Error {
  /** What could be read before the damage. */
  elements: Elements | undefined;

  constructor(message: string, elements?: Elements) {
    super(message);
    this.elements = elements;
  }
}

/** A data set: the whole file's, or an item's of a sequence. */
export class Elements {
  readonly values = new Map<number, Buffer | string[] | number[] | Elements[]>();
  /** Where the values of text and numbers lie in the file. */
  readonly places = new Map<number, { offset: number; length: number }>();
  /** Where the element with the pixels begins and where they lie; the length is undefined where they are compressed. */
  pixels: { element: number; offset: number; length: number | undefined } | undefined;

  texts = (name: TagName): string[] => (this.values.get(tags[name]) as string[] | undefined) ?? [];
  text = (name: TagName): string | undefined => this.texts(name)[0] || undefined;
  /** The stored bytes of coded text, without padding. */
  bytes(name: TagName): Buffer | undefined {
    const value = this.values.get(tags[name]);
    return Buffer.isBuffer(value) ? value : undefined;
  }
  /** Coded text; where its bytes are no text of the file's character set, each as the Latin-1 character it would be. */
  decoded(name: TagName): string | undefined {
    const bytes = this.bytes(name);
    if (!bytes || bytes.length === 0) return undefined;
    const kind = personNames.includes(name) ? 'name' : 'text';
    return decodeText(bytes, this.texts('characterSet'), kind) ?? bytes.toString('latin1');
  }
  count = (name: TagName): number | undefined => (this.values.get(tags[name]) as number[] | undefined)?.[0];
  /** Decimal values, or undefined unless there are as many finite ones as asked for. */
  numbers(name: TagName, count: number): number[] | undefined {
    const numbers = this.texts(name).map(numberOf);
    return numbers.length >= count && numbers.every(Number.isFinite) ? numbers.slice(0, count) : undefined;
  }
  items = (name: TagName): Elements[] => (this.values.get(tags[name]) as Elements[] | undefined) ?? [];
}

export const personNames: readonly TagName[] = ['patientName', 'otherPatientNames', 'birthName', 'referringPhysician'];

/** Some writers use the decimal comma of their country. */
function numberOf(text: string): number {
  const point = text.replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(point) ? Number(point) : Number.NaN;
}
