/** Whole federations, sealed, over a broker: the same bits as within one process, also if the broker loses everything in a round. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configOf, of } from '../small.js';
import { fingerprintWithin, runOver } from './sealed.js';
import { describeWithBroker, TestBroker } from './server.js';

describeWithBroker('a sealed federation over a broker', () => {
  let broker: Promise<TestBroker> | undefined;
  it.each(['mean', 'fedex', 'rolora'])('ends with the bits of one within a process: %s', async (aggregation) => {
    const config = configOf({ aggregation, wire: 'int8' });
    broker ??= TestBroker.start();
    const events = await runOver(await broker, config);
    expect(of(events, 'failed')).toEqual([]);
    expect(of(events, 'finished')[0].fingerprint).toBe(await fingerprintWithin(config));
  });

  it.each(['round', 'trained', 'accepted'] as const)(
    'ends with the same bits when the broker is killed and its store is emptied at “%s”',
    async (moment) => {
      const config = configOf({ rounds: 3 });
      const broker = await TestBroker.start();
      let done = 0;
      const events = await runOver(broker, config, {
        disturb: async ({ kind }) => {
          if (kind !== moment || done >= 2) return;
          done++;
          await broker.restart({ wiped: true });
        },
      });
      expect(done).toBe(2);
      expect([of(events, 'failed'), of(events, 'refused'), of(events, 'rejected')]).toEqual([[], [], []]);
      expect(of(events, 'trained').length).toBe(6);
      expect(of(events, 'finished')[0].fingerprint).toBe(await fingerprintWithin(config));
    },
  );
});

it('loads the client of the broker only when a transport over it is made', () => {
  const folder = join(import.meta.dirname, '../../../src/federate/transports/nats');
  for (const file of readdirSync(folder))
    expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/^import (?!type )[^;]* from '(@nats-io[/]|ws')/m);
});
