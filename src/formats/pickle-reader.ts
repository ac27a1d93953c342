/** Reads the operands of pickle instructions; nothing is read beyond the bytes there are. */

/** Why a pickle could not be read; the reader of the file makes a GraftError of it. */
export type Damaged = (expected: string, found: string | number) => Error;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Digits or bytes of one whole number: PyTorch's magic number has ten bytes. */
const longLimit = 256;

export class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #damaged: Damaged;
  at: number;

  constructor(bytes: Uint8Array, at: number, damaged: Damaged) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#damaged = damaged;
    this.at = at;
  }

  /** Moves on and gives the place of the `length` bytes passed. */
  #pass(length: number): number {
    if (length > this.#bytes.length - this.at) {
      throw this.#damaged(`${length} bytes more in the pickle`, this.#bytes.length - this.at);
    }
    this.at += length;
    return this.at - length;
  }

  uint8 = () => this.#view.getUint8(this.#pass(1));
  uint16 = () => this.#view.getUint16(this.#pass(2), true);
  int32 = () => this.#view.getInt32(this.#pass(4), true);
  uint32 = () => this.#view.getUint32(this.#pass(4), true);
  uint64 = () => Number(this.#view.getBigUint64(this.#pass(8), true));
  /** The only number that pickles store big-endian. */
  float64 = () => this.#view.getFloat64(this.#pass(8), false);

  bytes(length: number): Uint8Array {
    const begin = this.#pass(length);
    return this.#bytes.subarray(begin, begin + length);
  }

  text(length: number): string {
    try {
      return utf8.decode(this.bytes(length));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw this.#damaged('a text in UTF-8', 'other bytes');
    }
  }

  /** Up to the next line feed, which is passed. */
  line = (): string => {
    const end = this.#bytes.indexOf(10, this.at);
    if (end < 0) throw this.#damaged('a line in the pickle', 'no line end');
    const text = this.text(end - this.at);
    this.at = end + 1;
    return text;
  };

  /** A whole number as digits on a line of its own. */
  digits = (): number | bigint => {
    const text = this.line().replace(/L$/, '');
    if (!/^[+-]?\d+$/.test(text) || text.length > longLimit) throw this.#damaged('a whole number', text.slice(0, 40));
    return narrow(BigInt(text.replace('+', '')));
  };

  /** A whole number in two's complement, little-endian. */
  long(length: number): number | bigint {
    if (length > longLimit) throw this.#damaged(`a whole number of at most ${longLimit} bytes`, length);
    const hex = Buffer.from(this.bytes(length)).reverse().toString('hex');
    return narrow(BigInt.asIntN(8 * length, BigInt(`0x0${hex}`)));
  }
}

const narrow = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
