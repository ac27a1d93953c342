/** A sealed federation of which coordinator and sites keep journals: what these say, and that they bear witness to each other. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Act, type ActEntry, Journal, journalName, readAudit, verifyAudit } from '../../src/audit/index.js';
import { Coordinator, coordinatorAct, FederatedSite, memoryStore, siteAct } from '../../src/federate/index.js';
import { errorOf } from '../graft-error.js';
import { type Carrier, carrier, parties } from './sealing/parties.js';
import { configOf, newFolder, regression } from './small.js';

const root = newFolder();
const fileOf = (party: string) => join(root, party, journalName);
const actsOf = (party: string) => readAudit(fileOf(party)).lines.map(({ entry }) => entry as ActEntry);
const named = (party: string, act: string) => actsOf(party).filter((entry) => entry.act === act);

/** Two sites and their coordinator over a carrier. */
function federation(folder: string, transport: Carrier) {
  const all = parties(transport);
  const from = regression({ sites: ['a', 'b'] });
  const journals = new Map(
    ['coordinator', 'a', 'b'].map((by) => {
      const file = join(folder, by, journalName);
      return [by, new Journal({ file, by, key: generateKeyPairSync('ed25519').privateKey })];
    }),
  );
  const headOf = (by: string) => () => journals.get(by)!.head;
  const sealed = all.coordinator({ head: headOf('coordinator') });
  const coordinator = new Coordinator({
    ...{ folder: join(folder, 'coordinator'), config: configOf({ rounds: 2, minSites: 2 }), plan: 'lora' },
    ...{ base: from.base, initial: from.initial, sites: ['a', 'b'], transport: sealed },
  });
  const sites = from.sites.map(({ name, trainer }) => {
    const side = all.site(name, { head: headOf(name) });
    const options = { name, trainer, transport: side, store: memoryStore(), coordinator: coordinator.publicKey };
    return { name, side, site: new FederatedSite(options) };
  });
  return { journals, sealed, coordinator, sites };
}

describe('the journals of a federation', () => {
  beforeAll(async () => {
    const { journals, sealed, coordinator, sites } = federation(root, carrier());
    const { signal } = new AbortController();
    const note = (by: string, act: Act | undefined) => act && journals.get(by)!.note(act);
    const running = sites.map(async ({ name, side, site }) => {
      for await (const event of site.run(signal)) note(name, siteAct(event, side.coordinatorHead));
    });
    for await (const event of coordinator.run(signal)) note('coordinator', coordinatorAct(event, sealed.heads));
    await Promise.all(running);
    coordinator[Symbol.dispose]();
  });

  it('say what was asked, what was sent and what came of it, over the same bytes', () => {
    expect(actsOf('a').map(({ act, round }) => [act, round])).toEqual([
      ['task.received', undefined],
      ['registration.sent', undefined],
      ['task.received', 1],
      ['update.sent', 1],
      ['task.received', 2],
      ['update.sent', 2],
      ['task.received', 2],
    ]);
    expect(named('a', 'task.received').map(({ subject }) => subject)).toEqual(['open', 'round', 'round', 'done']);
    const accepted = named('coordinator', 'update.accepted').filter(({ subject }) => subject === 'a');
    const sent = named('a', 'update.sent');
    expect(sent.map(({ hashes }) => hashes!.update)).toEqual(accepted.map(({ hashes }) => hashes!.update));
    expect(sent.map(({ bytes }) => bytes)).toEqual(accepted.map(({ bytes }) => bytes));
    expect(sent[0].details).toMatchObject({ metrics: { loss: expect.any(Number) }, received: expect.any(Number) });
    expect(named('coordinator', 'round.closed').map(({ round }) => round)).toEqual([1, 2]);
    expect(named('coordinator', 'federation.finished')).toMatchObject([
      { hashes: named('coordinator', 'round.closed')[1].hashes },
    ]);
  });

  it('are whole, and each bears witness to the other', () => {
    expect(verifyAudit(fileOf('a'), { witness: fileOf('coordinator') }).witnessed).toBe(2);
    expect(verifyAudit(fileOf('coordinator'), { witness: fileOf('a') }).witnessed).toBeGreaterThan(1);
    const whole = readFileSync(fileOf('a'), 'utf8');
    writeFileSync(fileOf('a'), whole.split('\n').slice(0, 1).join('\n').concat('\n'));
    expect(verifyAudit(fileOf('a')).count).toBe(1);
    expect(errorOf(() => verifyAudit(fileOf('a'), { witness: fileOf('coordinator') })).code).toBe('AUDIT_WITNESS');
  });
});

it('nothing leaves a site that was not noted before', async () => {
  const transport = carrier();
  const { coordinator, sites } = federation(newFolder(), transport);
  const end = new AbortController();
  const asking = coordinator.run(end.signal).next();
  const [{ site, name }] = sites;
  const said = () => transport.seen.some((bytes) => Buffer.from(bytes).equals(Buffer.from(name)));
  const full = new Error('the disk is full');
  const noting = async () => {
    for await (const { kind } of site.run(end.signal)) if (kind === 'sends') throw full;
  };
  await expect(noting()).rejects.toBe(full);
  expect(said()).toBe(false);
  const events = site.run(end.signal);
  while ((await events.next()).value?.kind !== 'sends');
  void events.next(); // the event was taken
  await new Promise(setImmediate);
  expect(said()).toBe(true);
  end.abort();
  await asking;
  coordinator[Symbol.dispose]();
});
