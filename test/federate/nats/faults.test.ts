/** Bad lines between every peer and the broker: they reset, cut, fall silent, are slow. */
import { afterAll, expect, it } from 'vitest';
import { configOf, of } from '../small.js';
import { type FaultProxy, type Faults, faultProxy } from './fault-proxy.mjs';
import { newFederation, peer, random } from './peers.js';
import { fingerprintWithin, runOver } from './sealed.js';
import { describeWithBroker, TestBroker } from './server.js';

const proxies: FaultProxy[] = [];
afterAll(() => {
  for (const proxy of proxies) proxy.close();
});
let broker: Promise<TestBroker> | undefined;
async function lineWith(faults: Faults): Promise<FaultProxy> {
  broker ??= TestBroker.start();
  const proxy = await faultProxy((await broker).port, faults);
  proxies.push(proxy);
  return proxy;
}

describeWithBroker('a bad line', () => {
  it.concurrent.each<[string, number, Faults]>([
    ['that is reset or cut in the middle of a frame', 5, { kinds: ['reset', 'cut'], after: [5000, 30_000] }],
    ['that falls silent without being closed', 2, { kinds: ['stall'], after: [10_000, 40_000] }],
    ['that is slow', 0, { delay: [50, 150], rate: 250_000 }],
  ])('%s leaves a sealed federation its bits', async (_, least, faults) => {
    const rounds = faults.kinds ? 2 : 1;
    const config = configOf({ rounds, wire: 'int8' });
    const line = await lineWith(faults);
    const events = await runOver(line, config, faults.kinds ? { silence: 1 } : {});
    expect(line.happened.length).toBeGreaterThanOrEqual(least); // until the end
    expect([of(events, 'failed'), of(events, 'refused'), of(events, 'rejected')]).toEqual([[], [], []]);
    expect(of(events, 'trained').length).toBe(2 * rounds);
    expect(of(events, 'finished')[0].fingerprint).toBe(await fingerprintWithin(config));
  });

  it.concurrent('carries a large blob although it falls silent in its middle, on the way in and on the way out', async () => {
    const federation = newFederation();
    const line = await lineWith({ kinds: ['stall'], after: [1e5, 1e6], most: 4 });
    const options = { servers: [line.address], federation, patience: 20, silence: 1 };
    const [coordinator, site] = [await peer(options), await peer({ ...options, site: 'a' })];
    const bytes = random(2 ** 25);
    const hash = await coordinator.putBlob(bytes, 1);
    expect(Buffer.compare(await site.getBlob(hash, 2 ** 30), bytes)).toBe(0);
    expect(line.happened.length).toBe(4);
  });
});
