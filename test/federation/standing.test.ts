/** What a coordinator believes of pulses, and of the file with the administrator's wishes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryStore, SigningKey } from '../../src/federate/index.js';
import { changeControl, readControl, watchFiles } from '../../src/federation/running/control.js';
import { Sightings } from '../../src/federation/running/standing.js';
import { newFolder } from '../federate/small.js';

describe('a pulse', () => {
  const [own, other] = [new SigningKey(memoryStore()), new SigningKey(memoryStore())];
  const pulse = (values: object, key = own) =>
    key.seal('pulse', { site: 'site-a', at: 1, doing: 'training', round: 2, moved: 0, ...values });
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
