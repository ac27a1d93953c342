/** What passes the broker and is kept nowhere: the pulses of sites, and the question whether there is another coordinator. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { GraftError } from '../../../core/index.js';
import { queueUntil } from '../../streams.js';
import type { Broker } from './broker.js';
import { faultOf } from './faults.js';
import { fleetingOf, inboxOf, nameOf } from './places.js';

/** What the pulses of sites say, as it came: the broker's operator may have made it up. */
export function hearPulses(
  broker: Broker,
  federation: string,
  signal: AbortSignal,
): AsyncIterable<{ site: string; pulse: Uint8Array }> {
  const { pulse: prefix } = fleetingOf(federation);
  const queue = queueUntil<{ site: string; pulse: Uint8Array }>(signal);
  const live = broker.client.subscribe(`${prefix}.*`, {
    callback: (error, { subject, data }) => {
      if (error) return queue.fail(faultOf(error));
      const site = nameOf(subject.slice(prefix.length + 1));
      if (site !== undefined) queue.push({ site, pulse: data });
    },
  });
  signal.addEventListener('abort', () => live.unsubscribe(), { once: true });
  return queue;
}

/** For so long an answer is waited for, in ms. */
const PATIENCE = 700;
/** After so long, in ms, one that was answered has ended. */
const LATER = 5000;

/** As `NatsTransport.claim`. */
export async function claim(
  broker: Broker,
  federation: string,
  name: string,
  refusal: (other: string) => GraftError,
): Promise<void> {
  const { client } = broker;
  const { coordinator } = fleetingOf(federation);
  const answers = `${inboxOf(federation, undefined)}.claim`;
  const own = randomUUID();
  let other: string | undefined;
  client.subscribe(answers, {
    callback: (error, message) => {
      const [id, ...rest] = error ? [own] : message.string().slice(0, 200).split(' ');
      if (id !== own) other = rest.join(' ');
    },
  });
  const ask = async () => {
    other = undefined;
    if (!client.isClosed()) client.publish(coordinator, own);
    await setTimeout(PATIENCE);
    if (other === undefined) return;
    const why = refusal(other);
    await broker.close(why);
    throw why;
  };
  const askAgain = () => ask().catch(() => {}); // it shows in the calls that need the broker
  client.subscribe(coordinator, {
    callback: (error, message) => {
      if (error || message.string() === own) return;
      client.publish(answers, `${own} ${name}`);
      // It ends when it has heard that, unless it was begun while this process was suspended: then it goes on, and answers.
      void setTimeout(LATER, undefined, { ref: false }).then(askAgain);
    },
  });
  broker.returning = askAgain;
  await ask();
}
