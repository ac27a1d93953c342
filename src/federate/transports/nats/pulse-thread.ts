/** The thread of a site's pulse. It connects by itself, for as long as it takes. */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { NatsConnection } from '@nats-io/transport-node';
import { SigningKey } from '../../signing.js';
import { memoryStore } from '../../store.js';
import { connect, waitOf } from './connection.js';
import { fleetingOf, tokenOf } from './places.js';
import { doings, type Pulse, type PulseStart, pulseOf, shared } from './pulse.js';

const { connection, key, buffer, every } = workerData as PulseStart;
const { federation, site } = connection;
const values = new BigInt64Array(buffer);
const signing = new SigningKey(memoryStore(), key);
const subject = `${fleetingOf(federation).pulse}.${tokenOf(site)}`;
let client: NatsConnection | undefined;
const instance = randomBytes(8).toString('hex');
let [last, beat] = [0, 0];
let heard: string | undefined;

function say(): void {
  if (!client || client.isClosed()) return;
  const [moved, doing, round] = [shared.moved, shared.doing, shared.round].map((i) => Number(Atomics.load(values, i)));
  last = Math.max(last + 1, Date.now());
  beat++;
  const pulse: Pulse = { site, at: last, doing: doings[doing], round, moved, instance, beat, ...(heard && { heard }) };
  client.publish(subject, signing.seal('pulse', pulse));
}

/** Another process with the same key, which lives now if it has heard this one. */
function hear(bytes: Uint8Array): void {
  let other: Pulse | undefined;
  try {
    other = pulseOf(bytes, { site, key: signing.publicKey });
  } catch {
    return; // somebody at the broker made it
  }
  if (!other || other.instance === instance) return;
  if (other.heard === instance) {
    const later = beat === other.beat ? instance > other.instance : beat < other.beat;
    parentPort!.postMessage(later ? 'this' : 'other');
  }
  const isNew = heard !== other.instance;
  heard = other.instance;
  if (isNew) say();
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
// A broker whose configuration is of before does not allow it.
client.subscribe(subject, { callback: (error, message) => (error ? undefined : hear(message.data)) });
say();
setInterval(say, every);
