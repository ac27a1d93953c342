/** What passes the broker and is kept nowhere: the pulses of sites, and the question whether there is another coordinator. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { GraftError } from '../../../core/index.js';
import { federateError } from '../../errors.js';
import { queueUntil } from '../../streams.js';
import type { Broker } from './broker.js';
import { faultOf, isForbidden } from './faults.js';
import { fleetingOf, nameOf } from './places.js';

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

/** As `NatsTransport.claim`. @throws GraftError what `refusal` gives; BROKER_OUTDATED */
export async function claim(
  broker: Broker,
  federation: string,
  name: string,
  refusal: (other: string) => GraftError,
): Promise<void> {
  const { client } = broker;
  const { coordinator } = fleetingOf(federation);
  const own = randomUUID();
  const ask = async () => {
    if (client.isClosed()) return;
    let why: GraftError | undefined;
    // Nobody can know beforehand where the answer is expected.
    const answers = `${coordinator}.${randomUUID()}`;
    const live = client.subscribe(answers, {
      callback: (error, message) => {
        if (!error) why ??= refusal(message.string().slice(0, 200));
        else if (isForbidden(error)) why = federateError('BROKER_OUTDATED', {}, error);
      },
    });
    client.publish(coordinator, own, { reply: answers });
    await setTimeout(PATIENCE);
    live.unsubscribe();
    if (why === undefined) return;
    await broker.close(why);
    throw why;
  };
  const askAgain = () => ask().catch(() => {}); // it shows in the calls that need the broker
  client.subscribe(coordinator, {
    callback: (error, message) => {
      if (error || message.string() === own) return;
      message.respond(name);
      // It ends when it has heard that, unless it was begun while this process was suspended: then it goes on, and answers.
      void setTimeout(LATER, undefined, { ref: false }).then(askAgain);
    },
  });
  broker.returning = askAgain;
  await ask();
}
