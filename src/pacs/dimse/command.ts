/** The commands of C-ECHO and C-STORE (PS3.7 9.3, E): a few elements of the group 0000, in implicit VR little endian. */
import { ProtocolError } from './pdu.js';

export const verification = '1.2.840.10008.1.1';

/** Bytes that a command may have; those of graft's have about 200. */
export const largestCommand = 2 ** 14;

export const commandFields = { store: 0x0001, storeAnswer: 0x8001, echo: 0x0030, echoAnswer: 0x8030 } as const;

/** The answers that are given (PS3.4 B.2.3, PS3.7 C). */
export const statuses = {
  success: 0x0000,
  notSupported: 0x0122,
  unknownOperation: 0x0211,
  outOfResources: 0xa700,
  mismatch: 0xa900,
  notUnderstood: 0xc000,
} as const;

/** A status as it is written in the standard. */
export const statusText = (status: number): string => `0x${status.toString(16).toUpperCase().padStart(4, '0')}`;

const tags = {
  sopClass: 0x0002,
  field: 0x0100,
  messageId: 0x0110,
  answered: 0x0120,
  priority: 0x0700,
  dataSet: 0x0800,
  status: 0x0900,
  instance: 0x1000,
} as const;
type Name = keyof typeof tags;
const none = 0x0101;

export interface DimseCommand {
  field: number;
  messageId?: number;
  /** The message that is answered. */
  answered?: number;
  sopClass?: string;
  instance?: string;
  status?: number;
  /** Whether a data set follows. */
  hasDataSet: boolean;
}

export function encodeCommand({ hasDataSet, ...command }: DimseCommand): Buffer {
  const values: Partial<Record<Name, string | number>> = {
    ...command,
    ...(command.field === commandFields.store && { priority: 0 }),
    dataSet: hasDataSet ? 1 : none,
  };
  const elements = (Object.keys(tags) as Name[]).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [element(tags[name], typeof value === 'string' ? padded(value) : u16(value))];
  });
  const content = Buffer.concat(elements);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(content.length);
  return Buffer.concat([element(0, length), content]);
}

const padded = (text: string) => Buffer.from(text.length % 2 === 0 ? text : `${text}\0`, 'latin1');
const u16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};

function element(tag: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(tag, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

/** @throws ProtocolError */
export function decodeCommand(bytes: Buffer): DimseCommand {
  const values = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const end = at + 8 <= bytes.length ? at + 8 + bytes.readUInt32LE(at + 4) : Number.POSITIVE_INFINITY;
    if (end > bytes.length || bytes.readUInt16LE(at) !== 0) throw new ProtocolError('a command that cannot be read');
    values.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 8, end));
    at = end;
  }
  const numberOf = (name: Name) => {
    const value = values.get(tags[name]);
    return value && value.length >= 2 ? value.readUInt16LE(0) : undefined;
  };
  const textOf = (name: Name) =>
    values
      .get(tags[name])
      ?.toString('latin1')
      .replace(/[\0 ]+$/, '');
  const field = numberOf('field');
  if (field === undefined) throw new ProtocolError('a command that does not say what it asks for');
  const found: DimseCommand = { field, hasDataSet: (numberOf('dataSet') ?? none) !== none };
  for (const name of ['messageId', 'answered', 'status'] as const) {
    const value = numberOf(name);
    if (value !== undefined) found[name] = value;
  }
  for (const name of ['sopClass', 'instance'] as const) {
    const value = textOf(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
