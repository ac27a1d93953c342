/** A coordinator that is started again in the middle of a round. */
import { expect, it } from 'vitest';
import { Coordinator, FederatedSite, localTransport, memoryStore } from '../../src/federate/index.js';
import { configOf, newFolder, regression } from './small.js';

it('finds the training of the round going on', async () => {
  const { base, initial, sites } = regression({ sites: ['a'] });
  const transport = localTransport();
  const options = { folder: newFolder(), config: configOf({ rounds: 1 }), plan: 'lora', base, initial, sites: ['a'] };
  const end = new AbortController();
  const [{ trainer }] = sites;
  const train = trainer.train.bind(trainer);
  let begun = 0;
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  trainer.train = async function* (round, signal) {
    begun++;
    await held;
    expect(signal.aborted).toBe(false);
    return yield* train(round, signal);
  };

  const first = new Coordinator({ ...options, transport });
  const site = new FederatedSite({
    ...{ name: 'a', trainer, transport, store: memoryStore(), coordinator: first.publicKey },
  });
  const training = (async () => {
    for await (const _ of site.run(end.signal));
  })();
  const killed = new AbortController();
  const before = (async () => {
    for await (const _ of first.run(killed.signal));
  })();
  while (begun === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  killed.abort();
  await before;
  first[Symbol.dispose]();

  using second = new Coordinator({ ...options, transport });
  const kinds: string[] = [];
  for await (const event of second.run(end.signal)) {
    kinds.push(event.kind);
    if (event.kind === 'round') setTimeout(release, 20);
  }
  await training;
  expect(begun).toBe(1);
  expect(kinds.filter((kind) => kind !== 'dropped' && kind !== 'noise')).toEqual([
    ...['round', 'accepted', 'aggregated', 'finished'],
  ]);
});
