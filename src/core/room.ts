/** Memory that is used again and again, where new memory each time would lie about until it is collected. */
export class Room {
  #bytes = new Uint8Array();

  /** So many bytes, valid until the next are taken; it grows to the most that were. */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes.subarray(0, length);
  }
}
