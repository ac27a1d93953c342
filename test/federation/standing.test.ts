/** What a coordinator believes of pulses, and of the file with the administrator's wishes; when a site hears its tasks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { localTransport, memoryStore, SigningKey } from '../../src/federate/index.js';
import { policySchema } from '../../src/federation/policy.js';
import { changeControl, readControl, watchFiles } from '../../src/federation/running/control.js';
import { withinHours } from '../../src/federation/running/hours.js';
import { Sightings } from '../../src/federation/running/standing.js';
import { newFolder } from '../federate/small.js';

describe('a pulse', () => {
  const [own, other] = [new SigningKey(memoryStore()), new SigningKey(memoryStore())];
  const pulse = (values: object, key = own) =>
    key.seal('pulse', {
      site: 'site-a',
      at: 1,
      doing: 'training',
      round: 2,
      moved: 0,
      instance: 'a'.repeat(16),
      beat: 1,
      ...values,
    });
  const begin = () => {
    const sightings = new Sightings();
    const keys = { signing: own.publicKey, payload: '' };
    sightings.expect([{ name: 'site-a', keys, admitted: new Date().toISOString() }]);
    return sightings;
  };

  it('says what a site does, and whether bytes have moved since the one before', () => {
    const sightings = begin();
    expect(sightings.take('site-a', pulse({ at: 1 }))).toBe(false);
    expect(sightings.take('site-a', pulse({ at: 2, moved: 500 }))).toBe(true);
    expect(sightings.take('site-a', pulse({ at: 3, moved: 500, doing: 'sending' }))).toBe(false);
    expect(sightings.seen.get('site-a')).toMatchObject({ doing: 'sending', round: 2, moved: 500 });
    sightings.expect([]);
    expect(sightings.seen.size).toBe(0);
  });

  it('of a process that another one had followed shows that a site is run twice; a new process alone does not', () => {
    const sightings = begin();
    const take = (process: string, at: number) =>
      sightings.take('site-a', pulse({ instance: process.repeat(16), at, moved: 0 }));
    const twice = () => sightings.seen.get('site-a')?.twice;
    for (const [process, at] of [
      ['a', 1],
      ['a', 2],
      ['b', 900],
      ['b', 901],
      ['c', 5],
    ] as const)
      take(process, at);
    expect(twice()).toBeUndefined();
    take('b', 901); // somebody at the broker says again what was said
    expect(twice()).toBeUndefined();
    take('b', 902);
    expect(Math.abs(Date.parse(twice()!) - Date.now())).toBeLessThan(60_000);
  });

  it('of processes that a site invents is not kept for ever, nor those of a site that is revoked', () => {
    const sightings = begin();
    const of = (process: number) => pulse({ instance: process.toString(16).padStart(16, '0') });
    for (let process = 0; process < 100; process++) expect(sightings.take('site-a', of(process))).toBe(false);
    const known = () => Array.from({ length: 100 }, (_, k) => 99 - k).filter((process) => isKnown(process));
    const isKnown = (process: number) => sightings.take('site-a', of(process)) === undefined;
    expect(isKnown(99)).toBe(true);
    expect(isKnown(92)).toBe(true);
    expect(known().length).toBeLessThan(10);
    const { key, name } = { key: own.publicKey, name: 'site-a' };
    sightings.expect([]);
    sightings.expect([{ name, keys: { signing: key, payload: '' }, admitted: '' }]);
    expect(sightings.take('site-a', of(99))).toBe(false);
    expect(sightings.seen.get('site-a')?.twice).toBeUndefined();
  });

  it.each<[string, string, Uint8Array]>([
    ['that came before', 'site-a', pulse({ at: 5, moved: 9 })],
    ['that somebody else signed', 'site-a', pulse({ at: 6 }, other)],
    ['of another kind of message', 'site-a', own.seal('site', { site: 'site-a', at: 6 })],
    ['in another site’s name', 'site-a', pulse({ at: 6, site: 'site-b' })],
    ['of nobody who was admitted', 'site-b', pulse({ at: 6, site: 'site-b' }, other)],
    ['of other bytes', 'site-a', Buffer.from('{"body":')],
    ['that is too long', 'site-a', Buffer.alloc(5000, ' ')],
  ])('%s is ignored', (_, site, bytes) => {
    const sightings = begin();
    sightings.take('site-a', pulse({ at: 5 }));
    expect(sightings.take(site, bytes)).toBeUndefined();
    expect(sightings.seen.get('site-a')).toMatchObject({ moved: 0 });
  });
});

describe('what an administrator asks', () => {
  it('holds until it is changed, key by key, and is noticed', async () => {
    const folder = newFolder();
    expect(readControl(folder)).toEqual({ paused: false, rounds: null });
    const file = join(folder, 'control.json');
    let notice = () => {};
    const noticed = new Promise<void>((resolve) => {
      notice = resolve;
    });
    using _watch = watchFiles(
      [file],
      () => notice(),
      (error) => expect.unreachable(String(error)),
    );
    changeControl(folder, { paused: true });
    await noticed;
    changeControl(folder, { rounds: 50 });
    expect(readControl(folder)).toEqual({ paused: true, rounds: 50 });
    writeFileSync(file, '{"paused": true}');
    expect(() => readControl(folder)).toThrow(expect.objectContaining({ code: 'CONTROL_DAMAGED' }));
  });
});

describe('a site’s hours', () => {
  const rules = policySchema.parse({});
  const days: NonNullable<typeof rules.hours>['days'] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  const day = (from: string, to: string) => ({ from, to, days });
  const heard = async (hours: typeof rules.hours) => {
    const transport = localTransport();
    await transport.publishTask(Buffer.from('task'));
    const notes: string[] = [];
    const end = new AbortController();
    const policy = { file: 'policy.yaml', rules: { ...rules, hours } };
    const within = withinHours(transport, policy, (event) => {
      if (event.kind === 'note') notes.push(event.text);
      end.abort();
    });
    let tasks = 0;
    for await (const _ of within.watchTasks(end.signal)) {
      tasks++;
      end.abort();
    }
    return { tasks, notes };
  };

  it('let tasks through, and have them wait otherwise', async () => {
    expect(await heard(null)).toEqual({ tasks: 1, notes: [] });
    const now = new Date();
    const later = (hours: number) => new Date(now.getTime() + hours * 3_600_000).toTimeString().slice(0, 5);
    expect((await heard(day(later(-1), later(1)))).tasks).toBe(1);
    const waits = await heard(day(later(2), later(3)));
    const until = new RegExp(`outside the hours of policy.yaml; tasks wait until \\w+ \\w+ \\d+ \\d+ ${later(2)}\\.$`);
    expect(waits).toEqual({ tasks: 0, notes: [expect.stringMatching(until)] });
  });
});
