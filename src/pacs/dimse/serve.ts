/**
 * One connection of a program that sends images: it asks for an association, and then for C-ECHO and C-STORE (PS3.7 9.1.1,
 * 9.1.5). Each message is answered before the next is read.
 */
import type { Socket } from 'node:net';
import type { ObjectKind } from '../../data/index.js';
import { type Agreed, acceptancePdu, type Proposal, proposalIn } from './association.js';
import {
  commandFields,
  type DimseCommand,
  decodeCommand,
  encodeCommand,
  largestCommand,
  statuses,
  verification,
} from './command.js';
import {
  abortPdu,
  dataPdu,
  type Pdu,
  PduReader,
  type Piece,
  ProtocolError,
  piecesIn,
  type Rejection,
  rejectPdu,
  releasePdu,
  written,
} from './pdu.js';

export interface Caller {
  /** The title by which it calls itself. */
  title: string;
  address: string;
}

export interface StoreService {
  /** Why the caller is refused; undefined: it is not. */
  refuses(caller: Caller, called: string): Rejection | undefined;
  /**
   * Takes an object; it is answered as stored only when this has ended.
   *
   * @param pieces of its data set; what is not asked for is thrown away
   * @returns the status of the answer
   */
  store(object: ObjectKind, pieces: AsyncIterable<Buffer>, caller: Caller): Promise<number>;
}

/** Seconds that a peer may be silent: before it has asked for an association, and afterwards. */
const patience = { asking: 30, associated: 300 };

/** Kinds of objects that are stored: images, and whatever else a scanner sends with them. */
const isStorage = (sopClass: string) => /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.[\d.]+$/.test(sopClass);

/** Transfer syntaxes that graft reads; of several that are offered, the first of these. */
const readable = [
  ...['1.2.840.10008.1.2.1', '1.2.840.10008.1.2', '1.2.840.10008.1.2.2'],
  ...['57', '70', '80', '90', '50', '51', '81', '91'].map((kind) => `1.2.840.10008.1.2.4.${kind}`),
  '1.2.840.10008.1.2.5',
];

const answerTo = ({ contexts }: Proposal): Agreed[] =>
  contexts.map(({ id, abstractSyntax, transferSyntaxes }) => ({
    id,
    transferSyntax:
      abstractSyntax === verification || isStorage(abstractSyntax)
        ? readable.find((syntax) => transferSyntaxes.includes(syntax))
        : undefined,
  }));

/**
 * Serves a connection until either side ends it.
 *
 * @param signal the message under way is answered, then the association is aborted
 * @throws ProtocolError where the peer breaks the protocol; the socket's errors; what `store` throws
 */
export async function serveConnection(socket: Socket, service: StoreService, signal: AbortSignal): Promise<void> {
  const association = new Association(socket, service);
  const ended = () => association.endSoon();
  signal.addEventListener('abort', ended);
  try {
    await association.serve(signal);
  } catch (error) {
    if (!association.ending) {
      if (socket.writable) socket.end(abortPdu('provider'));
      throw error;
    }
  } finally {
    signal.removeEventListener('abort', ended);
    socket.destroySoon();
  }
}

class Association {
  readonly #socket: Socket;
  readonly #reader: PduReader;
  readonly #service: StoreService;
  readonly #syntaxes = new Map<number, string>();
  #caller: Caller = { title: '', address: '' };
  #waiting: Piece[] = [];
  /** Whether a message is being received or answered. */
  #busy = false;
  ending = false;

  constructor(socket: Socket, service: StoreService) {
    this.#socket = socket;
    this.#reader = new PduReader(socket);
    this.#service = service;
    this.#allow(patience.asking);
  }

  #allow(seconds: number): void {
    this.#socket.setTimeout(seconds * 1000, () => this.#socket.destroy(new ProtocolError(`silent for ${seconds} s`)));
  }

  /** Ends now where nothing is under way. */
  endSoon(): void {
    this.ending = true;
    if (this.#busy) return;
    this.#socket.end(abortPdu('user'));
    this.#socket.destroySoon();
  }

  async serve(signal: AbortSignal): Promise<void> {
    if (!(await this.#associate())) return;
    for (;;) {
      const pdu = await this.#next();
      if (!pdu || pdu.kind === 'abort') return;
      if (pdu.kind === 'release') {
        this.#socket.end(releasePdu('released'));
        return;
      }
      if (pdu.kind !== 'data') throw new ProtocolError(`a message (${pdu.kind}) that is not expected here`);
      this.#waiting.push(...piecesIn(pdu.body));
      this.#busy = true;
      while (this.#waiting.length > 0) await this.#answer();
      this.#busy = false;
      if (signal.aborted) {
        this.#socket.end(abortPdu('user'));
        return;
      }
    }
  }

  async #associate(): Promise<boolean> {
    const pdu = await this.#reader.next();
    if (!pdu) return false;
    if (pdu.kind !== 'ask') throw new ProtocolError(`a message (${pdu.kind}) before an association`);
    const proposal = proposalIn(pdu.body);
    this.#caller = { title: proposal.calling, address: this.#socket.remoteAddress ?? '' };
    const refused = this.#service.refuses(this.#caller, proposal.called);
    if (refused) {
      this.#socket.end(rejectPdu(refused));
      return false;
    }
    const agreed = answerTo(proposal);
    for (const { id, transferSyntax } of agreed) if (transferSyntax) this.#syntaxes.set(id, transferSyntax);
    this.#socket.write(acceptancePdu(proposal, agreed));
    this.#allow(patience.associated);
    return true;
  }

  #next = (): Promise<Pdu | undefined> => this.#reader.next();

  /** The next piece of the message under way. */
  async #piece(): Promise<Piece> {
    while (this.#waiting.length === 0) {
      const pdu = await this.#next();
      if (pdu?.kind !== 'data') throw new ProtocolError('an object that ended before its last piece');
      this.#waiting.push(...piecesIn(pdu.body));
    }
    return this.#waiting.shift()!;
  }

  /** Reads a command, and its data set where it has one, and answers. */
  async #answer(): Promise<void> {
    const { command, context } = await this.#command();
    const { field, messageId: answered = 0, sopClass, instance } = command;
    const transferSyntax = this.#syntaxes.get(context);
    if (transferSyntax === undefined) throw new ProtocolError('a message in a context that was not agreed to');
    const answer = (status: number): Promise<void> => {
      const bytes = encodeCommand({
        ...{ field: field | 0x8000, answered, status, hasDataSet: false },
        ...(sopClass !== undefined && { sopClass }),
        ...(instance !== undefined && { instance }),
      });
      return written(this.#socket, dataPdu({ context, command: true, last: true, bytes }));
    };
    if (field === commandFields.echo) {
      await answer(statuses.success);
      return;
    }
    const dataSet = command.hasDataSet ? this.#dataSet(context) : undefined;
    const object = { sopClass: sopClass ?? '', instance: instance ?? '', transferSyntax };
    let status: number = statuses.unknownOperation;
    if (field === commandFields.store)
      status = dataSet ? await this.#service.store(object, dataSet.pieces, this.#caller) : statuses.notUnderstood;
    await dataSet?.rest();
    await answer(status);
  }

  async #command(): Promise<{ command: DimseCommand; context: number }> {
    const parts: Buffer[] = [];
    for (let length = 0; ; ) {
      const { command, context, last, bytes } = await this.#piece();
      length += bytes.length + 1; // so that empty pieces come to an end, too
      if (!command) throw new ProtocolError('a data set without a command');
      if (length > largestCommand) throw new ProtocolError(`a command of more than ${largestCommand} bytes`);
      parts.push(bytes);
      if (last) return { command: decodeCommand(Buffer.concat(parts)), context };
    }
  }

  /** The pieces of a data set, and what takes those away that nobody asked for. */
  #dataSet(context: number): { pieces: AsyncIterable<Buffer>; rest: () => Promise<void> } {
    let last = false;
    const next = async (): Promise<Buffer | undefined> => {
      if (last) return undefined;
      const piece = await this.#piece();
      if (piece.command || piece.context !== context) throw new ProtocolError('a message inside another one');
      last = piece.last;
      return piece.bytes;
    };
    async function* pieces(): AsyncGenerator<Buffer> {
      for (let bytes = await next(); bytes; bytes = await next()) yield bytes;
    }
    const rest = async () => {
      while (!last) await next();
    };
    return { pieces: pieces(), rest };
  }
}
