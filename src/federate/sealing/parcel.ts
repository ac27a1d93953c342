/**
 * What a sealed message holds: the message; the head of the sender's journal, so that the other one can bear witness to it;
 * and where the sender's blobs are. A blob is known by the SHA-256 of its bytes, which its owner signs; on the way lies
 * something else, so the parcel says under which address, and with which key it opens.
 */

export interface Reference {
  /** SHA-256 of the blob. */
  hash: string;
  /** SHA-256 of the sealed blob. */
  address: string;
  /** 32 bytes; of this blob alone. */
  key: Uint8Array;
}

export interface Parcel {
  message: Uint8Array;
  /** SHA-256 of the last line of the sender's journal; undefined where it keeps none. */
  head: string | undefined;
  references: readonly Reference[];
}

const headSize = 32;
const entrySize = 96;
const none = '0'.repeat(64);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

export function packParcel({ message, head = none, references }: Parcel): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(references.length);
  const entries = references.flatMap(({ hash, address, key }) => [
    Buffer.from(hash, 'hex'),
    Buffer.from(address, 'hex'),
    key,
  ]);
  return Buffer.concat([Buffer.from(head, 'hex'), count, ...entries, message]);
}

/** @returns undefined where it is not what `packParcel` made */
export function unpackParcel(bytes: Uint8Array): Parcel | undefined {
  const start = headSize + 4;
  if (bytes.length < start) return undefined;
  const count = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32BE(headSize);
  const end = start + count * entrySize;
  if (end > bytes.length) return undefined;
  const references = Array.from({ length: count }, (_, i) => {
    const at = start + i * entrySize;
    const [hash, address, key] = [0, 32, 64].map((offset) => bytes.slice(at + offset, at + offset + 32));
    return { hash: hex(hash), address: hex(address), key };
  });
  const head = hex(bytes.subarray(0, headSize));
  return { message: bytes.slice(end), head: head === none ? undefined : head, references };
}
