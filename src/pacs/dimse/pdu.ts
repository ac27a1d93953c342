/**
 * The messages of DICOM's own protocol over TCP (PS3.8 9.3): associations asked for, accepted and refused, pieces of commands
 * and data sets, releases and aborts. What a peer sends is read within bounds and pulled, so a quick sender waits.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Bytes that a message may have behind its head; peers are told so, and one that sends more is cut off. */
export const largestPdu = 2 ** 17;

export const kindsOfPdu = { ask: 1, accept: 2, reject: 3, data: 4, release: 5, released: 6, abort: 7 } as const;
const kindNames = new Map<number, keyof typeof kindsOfPdu>(
  (Object.keys(kindsOfPdu) as (keyof typeof kindsOfPdu)[]).map((name) => [kindsOfPdu[name], name]),
);

export interface Pdu {
  kind: keyof typeof kindsOfPdu;
  body: Buffer;
}

/** A peer that breaks the protocol, or says that it ends; the message is for logs and holds nothing that it sent. */
export class ProtocolError extends Error {}

/** Writes, and resolves when the peer has taken enough of what was written, or is gone: one that reads nothing makes the writer wait. */
export async function written(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.write(bytes) || socket.destroyed) return;
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]);
  } finally {
    settled.abort();
  }
}

/** The messages of a connection, each when it is asked for. */
export class PduReader {
  readonly #pieces: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#pieces = socket[Symbol.asyncIterator]();
  }

  /** @returns undefined where the peer closed the connection between two messages @throws ProtocolError; the socket's errors */
  async next(): Promise<Pdu | undefined> {
    if (!(await this.#hold(6))) {
      if (this.#held.length > 0) throw new ProtocolError('the connection ended inside a message');
      return undefined;
    }
    const kind = kindNames.get(this.#held[0]);
    const length = this.#held.readUInt32BE(2);
    if (!kind) throw new ProtocolError(speaksTls(this.#held) ? 'it speaks TLS' : 'it speaks no DICOM');
    if (length > largestPdu) throw new ProtocolError(`a message of ${length} bytes, more than ${largestPdu}`);
    if (!(await this.#hold(6 + length))) throw new ProtocolError('the connection ended inside a message');
    const body = this.#held.subarray(6, 6 + length);
    this.#held = this.#held.subarray(6 + length);
    return { kind, body };
  }

  /** Whether so many bytes have come. */
  async #hold(count: number): Promise<boolean> {
    if (this.#held.length >= count) return true;
    const pieces = [this.#held];
    for (let length = this.#held.length; length < count; ) {
      const { done, value } = await this.#pieces.next();
      if (done) {
        this.#held = Buffer.concat(pieces);
        return false;
      }
      pieces.push(value);
      length += value.length;
    }
    this.#held = Buffer.concat(pieces);
    return true;
  }
}

/** Whether bytes are the head of a handshake or an alert of TLS (RFC 8446 5.1), which has 3 where DICOM has 0. */
const speaksTls = (head: Buffer): boolean => [0x15, 0x16].includes(head[0]) && head[1] === 3;

/** A message as bytes. */
export function pduOf(kind: Pdu['kind'], ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(6);
  head[0] = kindsOfPdu[kind];
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

export const releasePdu = (kind: 'release' | 'released'): Buffer => pduOf(kind, Buffer.alloc(4));
export const rejectPdu = ({ result, source, reason }: Rejection): Buffer =>
  pduOf('reject', Buffer.of(0, result, source, reason));
/** By the user of the service; a peer that breaks the protocol is told so by the provider. */
export const abortPdu = (by: 'user' | 'provider'): Buffer =>
  pduOf('abort', by === 'user' ? Buffer.of(0, 0, 0, 0) : Buffer.of(0, 0, 2, 0));

/** Why an association is refused (PS3.8 table 9-21). */
export interface Rejection {
  result: number;
  source: number;
  reason: number;
}
export const rejections = {
  callerUnknown: { result: 1, source: 1, reason: 3 },
  calledUnknown: { result: 1, source: 1, reason: 7 },
  tooMany: { result: 2, source: 3, reason: 2 },
  protocol: { result: 1, source: 2, reason: 2 },
} as const satisfies Record<string, Rejection>;

/** A piece of a command or of a data set. */
export interface Piece {
  context: number;
  command: boolean;
  last: boolean;
  bytes: Buffer;
}

/** The pieces in a message of data. @throws ProtocolError */
export function piecesIn(body: Buffer): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < body.length; ) {
    const length = at + 6 <= body.length ? body.readUInt32BE(at) : 0;
    if (length < 2 || at + 4 + length > body.length) throw new ProtocolError('a message of data that is cut short');
    const control = body[at + 5];
    const bytes = body.subarray(at + 6, at + 4 + length);
    pieces.push({ context: body[at + 4], command: (control & 1) !== 0, last: (control & 2) !== 0, bytes });
    at += 4 + length;
  }
  return pieces;
}

/** A message with one piece. */
export function dataPdu({ context, command, last, bytes }: Piece): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(bytes.length + 2);
  head[4] = context;
  head[5] = (command ? 1 : 0) | (last ? 2 : 0);
  return pduOf('data', head, bytes);
}
