/** Peers of one broker, and what a test sees of it beside them. */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { type NatsOptions, type NatsTransport, natsTransport } from '../../../src/federate/index.js';
import { afterEveryFile } from '../../every-file.js';
import type { TestBroker } from './server.js';

const open: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
afterEveryFile(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

let federations = 0;
export const newFederation = (): string => `test-${++federations}`;

/** A transport that is closed after the tests. A broker without a limit of its own reserves room by the space on the disk. */
export async function peer(options: NatsOptions): Promise<NatsTransport> {
  const transport = await natsTransport({ patience: 0.3, capacity: 2 ** 28, ...options });
  open.push(transport);
  return transport;
}

/** Somebody with all rights, as whoever runs the broker has them. */
export async function operator(broker: TestBroker): Promise<NatsConnection> {
  const client = await connect({ servers: broker.address, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  open.push({ [Symbol.asyncDispose]: () => client.close() });
  return client;
}

/** Messages in a stream, and all that were ever published to it. */
export async function counts(client: NatsConnection, stream: string): Promise<{ kept: number; published: number }> {
  const manager = await jetstreamManager(client, { checkAPI: false });
  const { state } = await manager.streams.info(stream);
  return { kept: state.messages, published: state.last_seq };
}

/** Messages in a stream; undefined while it is missing. */
export const kept = (client: NatsConnection, stream: string): Promise<number | undefined> =>
  counts(client, stream).then(
    (found) => found.kept,
    () => undefined,
  );

/** Puts a chunk at the broker as somebody else would who may. */
export async function forge(client: NatsConnection, subject: string, data: Uint8Array, size: number): Promise<void> {
  const head = headers();
  head.set('Graft-Size', String(size));
  await client.request(subject, data, { headers: head, timeout: 5000 });
}

export const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size));

/** Waits until something is so. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(10);
}
