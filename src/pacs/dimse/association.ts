/** What two programs agree on before anything is sent (PS3.8 9.3.2, 9.3.3): names, kinds of objects, and how these are encoded. */
import { version } from '../../core/index.js';
import { implementation } from '../../data/index.js';
import { largestPdu, ProtocolError, pduOf } from './pdu.js';

/** A kind of object in the forms in which it may be sent. */
export interface ProposedContext {
  id: number;
  abstractSyntax: string;
  transferSyntaxes: string[];
}

export interface Proposal {
  /** Application entity titles: who is spoken to, and who speaks. */
  called: string;
  calling: string;
  contexts: ProposedContext[];
  /** Bytes that a message to the proposer may have; 0: any number. */
  largest: number;
}

/** The answer to a context; without a transfer syntax it is refused. */
export interface Agreed {
  id: number;
  transferSyntax: string | undefined;
}

const applicationContext = '1.2.840.10008.3.1.1.1';
const items = {
  ...{ application: 0x10, proposed: 0x20, agreed: 0x21, abstract: 0x30, transfer: 0x40 },
  ...{ user: 0x50, largest: 0x51, implementation: 0x52, implementationVersion: 0x55 },
} as const;
const refusedForAbstract = 3;

/** An application entity title (VR AE, PS3.5 6.2): up to 16 printable characters. */
export const isTitle = (text: string): boolean => /^[\x21-\x5b\x5d-\x7e](?:[\x20-\x5b\x5d-\x7e]{0,15})$/.test(text);

const title = (text: string) => Buffer.from(text.padEnd(16, ' '), 'latin1');
const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

function item(kind: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const head = Buffer.of(kind, 0, 0, 0);
  head.writeUInt16BE(content.length, 2);
  return Buffer.concat([head, content]);
}

const userItem = () =>
  item(
    items.user,
    item(items.largest, number(largestPdu)),
    item(items.implementation, implementation),
    item(items.implementationVersion, `GRAFT_${version}`.slice(0, 16)),
  );

const headOf = (called: string, calling: string) => [
  Buffer.of(0, 1, 0, 0),
  title(called),
  title(calling),
  Buffer.alloc(32),
];

export const proposalPdu = ({ called, calling, contexts }: Omit<Proposal, 'largest'>): Buffer =>
  pduOf(
    'ask',
    ...headOf(called, calling),
    item(items.application, applicationContext),
    ...contexts.map(({ id, abstractSyntax, transferSyntaxes }) =>
      item(
        items.proposed,
        Buffer.of(id, 0, 0, 0),
        item(items.abstract, abstractSyntax),
        ...transferSyntaxes.map((syntax) => item(items.transfer, syntax)),
      ),
    ),
    userItem(),
  );

export const acceptancePdu = ({ called, calling }: Proposal, agreed: readonly Agreed[]): Buffer =>
  pduOf(
    'accept',
    ...headOf(called, calling),
    item(items.application, applicationContext),
    ...agreed.map(({ id, transferSyntax }) =>
      item(
        items.agreed,
        Buffer.of(id, 0, transferSyntax === undefined ? refusedForAbstract : 0, 0),
        item(items.transfer, transferSyntax ?? '1.2.840.10008.1.2'),
      ),
    ),
    userItem(),
  );

interface Item {
  kind: number;
  content: Buffer;
}

/** @throws ProtocolError */
function itemsIn(bytes: Buffer): Item[] {
  const found: Item[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt16BE(at + 2) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new ProtocolError('an association whose items are cut short');
    found.push({ kind: bytes[at], content: bytes.subarray(at + 4, end) });
    at = end;
  }
  return found;
}

const uidIn = ({ content }: Item): string => content.toString('latin1').replace(/[\0 ]+$/, '');
const ofKind = (found: readonly Item[], kind: number) => found.filter((one) => one.kind === kind);

/** What a peer asks for. @throws ProtocolError */
export function proposalIn(body: Buffer): Proposal {
  if (body.length < 68) throw new ProtocolError('an association that is cut short');
  const found = itemsIn(body.subarray(68));
  if ((body.readUInt16BE(0) & 1) === 0 || ofKind(found, items.application).map(uidIn)[0] !== applicationContext)
    throw new ProtocolError('an association of another version of DICOM');
  return {
    called: body.toString('latin1', 4, 20).trim(),
    calling: body.toString('latin1', 20, 36).trim(),
    contexts: ofKind(found, items.proposed).map(({ content }) => {
      if (content.length < 4) throw new ProtocolError('a context that is cut short');
      const inside = itemsIn(content.subarray(4));
      return {
        id: content[0],
        abstractSyntax: ofKind(inside, items.abstract).map(uidIn)[0] ?? '',
        transferSyntaxes: ofKind(inside, items.transfer).map(uidIn),
      };
    }),
    largest: largestIn(found),
  };
}

/** What a peer agreed to, by context. @throws ProtocolError */
export function acceptanceIn(body: Buffer): { agreed: Map<number, string>; largest: number } {
  if (body.length < 68) throw new ProtocolError('an answer to an association that is cut short');
  const found = itemsIn(body.subarray(68));
  const agreed = ofKind(found, items.agreed).flatMap(({ content }): [number, string][] => {
    if (content.length < 4) throw new ProtocolError('a context that is cut short');
    const [syntax] = ofKind(itemsIn(content.subarray(4)), items.transfer).map(uidIn);
    return content[2] === 0 && syntax !== undefined ? [[content[0], syntax]] : [];
  });
  return { agreed: new Map(agreed), largest: largestIn(found) };
}

function largestIn(found: readonly Item[]): number {
  const [user] = ofKind(found, items.user);
  const [largest] = user ? ofKind(itemsIn(user.content), items.largest) : [];
  return largest && largest.content.length >= 4 ? largest.content.readUInt32BE(0) : 0;
}
