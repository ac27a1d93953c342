/** A program that is spoken to in DICOM's own protocol: C-ECHO asks whether it answers, C-STORE hands it files (PS3.7 9.1). */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { basename } from 'node:path';
import { type StoredObject, storedObject } from '../../data/index.js';
import { pacsError } from '../errors.js';
import { connectSecurely, type TlsFiles, type TlsMaterial, tlsFault, tlsMaterial } from '../tls.js';
import { acceptanceIn, isTitle, type ProposedContext, proposalPdu } from './association.js';
import {
  commandFields,
  type DimseCommand,
  decodeCommand,
  encodeCommand,
  largestCommand,
  statuses,
  statusText,
  verification,
} from './command.js';
import {
  abortPdu,
  dataPdu,
  largestPdu,
  type Pdu,
  PduReader,
  ProtocolError,
  piecesIn,
  releasePdu,
  written,
} from './pdu.js';

export interface Peer {
  /** Its application entity title. */
  title: string;
  host: string;
  port: number;
  /** What graft calls itself. */
  own: string;
  /** undefined: without TLS. */
  tls: TlsMaterial | undefined;
}

export interface PeerOptions extends TlsFiles {
  /** What graft calls itself. */
  aet: string;
}

/** Seconds for a connection, and for an answer. */
const patience = { connecting: 10, answering: 120 };
const mostContexts = 128;

/** @param address `TITLE@HOST:PORT`, over TLS `tls://TITLE@HOST:PORT` @throws GraftError PACS_ADDRESS, PACS_TLS_FILE, SECRET_EXPOSED */
export function peerOf(address: string, options: PeerOptions): Peer {
  const peer = peerAt(address, options);
  if (!peer) throw pacsError('PACS_ADDRESS', { address, expected: 'a peer such as PACS@pacs.example.org:104' });
  return peer;
}

/** @param address as of `peerOf`; undefined where it is none @throws as `peerOf` */
export function peerAt(address: string, { aet: own, ...files }: PeerOptions): Peer | undefined {
  const [, secure, title, host, port] =
    /^(tls:\/\/)?([^@/]+)@(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(address) ?? [];
  if (title === undefined) return undefined;
  for (const [what, name] of [
    [address, title],
    [own, own],
  ])
    if (!isTitle(name))
      throw pacsError('PACS_ADDRESS', { address: what, expected: 'a title of 1 to 16 printable characters' });
  const tls = secure === undefined ? undefined : tlsMaterial(files);
  return { title, host: host.replace(/^\[|\]$/g, ''), port: Number(port), own, tls };
}

export const peerName = ({ title, host, port, tls }: Peer): string =>
  `${tls ? 'tls://' : ''}${title}@${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * Asks a peer whether it answers.
 *
 * @throws GraftError PACS_UNREACHABLE, PACS_DENIED, PACS_ANSWER; over TLS PACS_CERTIFICATE, PACS_OWN_CERTIFICATE, PACS_TLS; the
 *   signal's reason
 */
export async function echo(peer: Peer, signal?: AbortSignal): Promise<void> {
  const contexts = [{ id: 1, abstractSyntax: verification, transferSyntaxes: ['1.2.840.10008.1.2'] }];
  await associated(peer, contexts, signal, async (line) => {
    await line.send({ field: commandFields.echo, messageId: 1, sopClass: verification, hasDataSet: false }, 1);
    const { status } = await line.answer();
    if (status !== statuses.success) throw unfit(peer, 'C-ECHO', statusText(status ?? 0xffff));
  });
}

/**
 * Hands files to a peer in one association, each in its own transfer syntax.
 *
 * @param taken told of each file that the peer has stored
 * @throws GraftError PACS_REFUSED, and as `echo`
 */
export async function storeFiles(
  peer: Peer,
  files: readonly string[],
  taken: (count: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const objects = files.map((file) => ({ file, object: objectIn(peer, file) }));
  const { contexts, idOf } = contextsFor(objects.map(({ object }) => object));
  await associated(peer, contexts, signal, async (line) => {
    for (const [i, { file, object }] of objects.entries()) {
      const refused = (reason: string) =>
        pacsError('PACS_REFUSED', { host: peerName(peer), file: basename(file), reason });
      const id = idOf(object);
      if (!line.agreed.has(id)) throw refused('it does not take this kind of object in this transfer syntax');
      const { sopClass, instance } = object;
      const messageId = (i % 0xffff) + 1;
      await line.send({ field: commandFields.store, messageId, sopClass, instance, hasDataSet: true }, id);
      await line.sendDataSet(file, object, id);
      const { status = 0xffff, answered } = await line.answer();
      if (answered !== messageId) throw unfit(peer, 'C-STORE', 'an answer to another message');
      // Warnings (Bxxx) are about an object that was stored.
      if (status !== statuses.success && status >>> 12 !== 0xb) throw refused(`status ${statusText(status)}`);
      taken(i + 1);
    }
  });
}

function objectIn(peer: Peer, file: string): StoredObject {
  const object = storedObject(file);
  if (!object)
    throw pacsError('PACS_REFUSED', {
      host: peerName(peer),
      file: basename(file),
      reason: 'it is not sent: it is damaged',
    });
  return object;
}

/** A context for each kind of object in each transfer syntax that occurs; those beyond the most that may be are not agreed to. */
function contextsFor(objects: readonly StoredObject[]) {
  const key = ({ sopClass, transferSyntax }: StoredObject) => `${sopClass} ${transferSyntax}`;
  const kinds = [...new Set(objects.map(key))];
  const contexts = kinds.slice(0, mostContexts).map((kind, i): ProposedContext => {
    const [abstractSyntax, transferSyntax] = kind.split(' ');
    return { id: 2 * i + 1, abstractSyntax, transferSyntaxes: [transferSyntax] };
  });
  return { contexts, idOf: (object: StoredObject) => 2 * kinds.indexOf(key(object)) + 1 };
}

const unfit = (peer: Peer, what: string, found: string) =>
  pacsError('PACS_ANSWER', { host: peerName(peer), what, found });

/** An association that was agreed to. */
class Line {
  readonly agreed: ReadonlyMap<number, string>;
  readonly #socket: Socket;
  readonly #reader: PduReader;
  readonly #piece: number;

  constructor(socket: Socket, reader: PduReader, { agreed, largest }: ReturnType<typeof acceptanceIn>) {
    this.#socket = socket;
    this.#reader = reader;
    this.agreed = agreed;
    // What stands around a piece counts, too; pieces have even lengths.
    const most = (largest === 0 ? largestPdu : Math.min(largest, largestPdu)) - 6;
    this.#piece = Math.max(2, most - (most % 2));
  }

  send = (command: DimseCommand, context: number): Promise<void> =>
    written(this.#socket, dataPdu({ context, command: true, last: true, bytes: encodeCommand(command) }));

  async sendDataSet(file: string, { start, end }: StoredObject, context: number): Promise<void> {
    let sent = start;
    const stream = createReadStream(file, { start, end: end - 1, highWaterMark: this.#piece });
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      sent += bytes.length;
      await written(this.#socket, dataPdu({ context, command: false, last: sent >= end, bytes }));
    }
    if (sent < end) throw new ProtocolError('the file became shorter');
  }

  async answer(): Promise<DimseCommand> {
    const parts: Buffer[] = [];
    for (let length = 0; ; ) {
      const pdu = await this.#reader.next();
      if (pdu?.kind !== 'data') throw new ProtocolError(pdu ? `it answers with ${pdu.kind}` : 'it hung up');
      for (const { bytes, last } of piecesIn(pdu.body)) {
        length += bytes.length + 1; // so that empty pieces come to an end, too
        if (length > largestCommand) throw new ProtocolError(`an answer of more than ${largestCommand} bytes`);
        parts.push(bytes);
        if (last) return decodeCommand(Buffer.concat(parts));
      }
    }
  }
}

async function associated(
  peer: Peer,
  contexts: ProposedContext[],
  signal: AbortSignal | undefined,
  work: (line: Line) => Promise<void>,
): Promise<void> {
  signal?.throwIfAborted();
  const { host, port, tls } = peer;
  const socket = tls ? connectSecurely({ host, port }, tls) : connect({ host, port });
  const destroy = () => socket.destroy(new Error('interrupted'));
  signal?.addEventListener('abort', destroy);
  const allow = (seconds: number) =>
    socket.setTimeout(seconds * 1000, () => socket.destroy(new Error(`silent for ${seconds} s`)));
  // Errors are met where something is read or written.
  socket.on('error', () => {});
  try {
    allow(patience.connecting);
    await once(socket, tls ? 'secureConnect' : 'connect');
    allow(patience.answering);
    const reader = new PduReader(socket);
    socket.write(proposalPdu({ called: peer.title, calling: peer.own, contexts }));
    const line = new Line(socket, reader, accepted(peer, await reader.next()));
    await work(line);
    socket.write(releasePdu('release'));
    // A peer that only hangs up has stored everything all the same.
    await reader.next().catch(() => undefined);
  } catch (error) {
    signal?.throwIfAborted();
    if (socket.writable) socket.end(abortPdu('user'));
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('PACS_')) throw error;
    if (error instanceof ProtocolError) throw unfit(peer, 'an association', message);
    const fault = tlsFault(peerName(peer), error);
    throw fault ?? pacsError('PACS_UNREACHABLE', { host: peerName(peer), attempts: 1, reason: code ?? message }, error);
  } finally {
    signal?.removeEventListener('abort', destroy);
    socket.destroySoon();
  }
}

const reasons: Record<string, string> = {
  '1.3': 'it does not know the title that calls',
  '1.7': 'it does not have the title that is called',
  '3.1': 'it is congested',
  '3.2': 'it has too many associations',
};

function accepted(peer: Peer, pdu: Pdu | undefined): ReturnType<typeof acceptanceIn> {
  if (pdu?.kind === 'accept') return acceptanceIn(pdu.body);
  if (pdu?.kind !== 'reject') throw new ProtocolError(pdu ? `it answers with ${pdu.kind}` : 'it hung up');
  const [, result, source, reason] = pdu.body;
  const why = reasons[`${source}.${reason}`] ?? `result ${result}, source ${source}, reason ${reason}`;
  throw pacsError('PACS_DENIED', { host: peerName(peer), what: `the association of ${peer.own}`, status: why });
}
