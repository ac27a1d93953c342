/** The thread of a site's pulse. It connects by itself, for as long as it takes. */
import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { NatsConnection } from '@nats-io/transport-node';
import { SigningKey } from '../../signing.js';
import { memoryStore } from '../../store.js';
import { connect, waitOf } from './connection.js';
import { fleetingOf, tokenOf } from './places.js';
import { doings, type Pulse, type PulseStart, shared } from './pulse.js';

const { connection, key, buffer, every } = workerData as PulseStart;
const { federation, site } = connection;
const values = new BigInt64Array(buffer);
const signing = new SigningKey(memoryStore(), key);
const subject = `${fleetingOf(federation).pulse}.${tokenOf(site)}`;
let client: NatsConnection | undefined;
let last = 0;

function say(): void {
  if (!client || client.isClosed()) return;
  const [moved, doing, round] = [shared.moved, shared.doing, shared.round].map((i) => Number(Atomics.load(values, i)));
  last = Math.max(last + 1, Date.now());
  client.publish(
    subject,
    signing.seal('pulse', { site, at: last, doing: doings[doing], round, moved } satisfies Pulse),
  );
}

parentPort!.on('message', async (wish: 'now' | 'end') => {
  say();
  if (wish === 'now') return;
  // Where the broker is away there is nobody to say it to.
  await Promise.race([client?.drain().catch(() => {}), setTimeout(1000)]);
  process.exit();
});

for (let attempt = 0; !client; attempt++)
  try {
    client = await connect(connection);
  } catch {
    await setTimeout(waitOf(attempt));
  }
say();
setInterval(say, every);
