/** A whole federation over a carrier that keeps every byte: what it could read, with sealing and without. */
import { describe, expect, it } from 'vitest';
import type { Transport } from '../../../src/federate/index.js';
import type { Tensor } from '../../../src/torch/index.js';
import { stage } from '../hand.js';
import { nameA } from '../regression.mjs';
import { configOf, of } from '../small.js';
import { carrier, parties } from './parties.js';

/** The first 32 bytes of a tensor of float32. */
const bytesOf = (value: Tensor) => Buffer.from((value.reshape(-1).toArray() as Float32Array).buffer).subarray(0, 32);

/** Two sites, one of which fails in the second round; @returns what was to be hidden, and what the carrier saw */
async function run(sealed: boolean) {
  const transport = carrier();
  const all = parties(transport);
  const wrap = (site: string) => (sealed ? all.site(site) : transport);
  const one = stage(configOf({ rounds: 3 }), {
    ...{ transport: sealed ? all.coordinator() : transport, wrap, sites: ['a', 'b'] },
  });
  const [{ trainer: a }, { trainer: b }] = one.sites;
  const train = { a: a.train, b: b.train };
  a.train = async function* (...given) {
    return { ...(yield* train.a(...given)), 'planted-metric': 0.5 };
  };
  b.train = async function* (round, signal) {
    if (round.round === 2) throw new Error('/data/PLANTED^NAME/scan.nii.gz is missing');
    return yield* train.b(round, signal);
  };
  await one.done;
  const [finished] = of(one.events, 'finished');
  const secrets: Record<string, string | Buffer> = {
    metric: 'planted-metric',
    name: 'PLANTED^NAME',
    'kind of task': 'round',
    'kind of state': 'update',
    tensor: nameA,
    base: one.base,
    'first weights': bytesOf(one.initial.get(nameA)!),
    'last weights': bytesOf(finished.global.get(nameA)!),
  };
  const seen = Buffer.concat(transport.seen);
  const read = Object.entries(secrets).flatMap(([what, secret]) => (seen.includes(secret) ? [what] : []));
  return { read, all: Object.keys(secrets), finished, failed: of(one.events, 'failed'), refused: all.refused };
}

describe('a federation', () => {
  it('tells its carrier nothing where it is sealed, everything where it is not, and ends with the same bits', async () => {
    const [plain, sealed] = [await run(false), await run(true)];
    expect(plain.read).toEqual(plain.all);
    expect(sealed.read).toEqual([]);
    expect(sealed.refused).toEqual([]);
    for (const { failed } of [plain, sealed]) expect(failed).toMatchObject([{ site: 'b', round: 2 }]);
    expect(sealed.finished.fingerprint).toBe(plain.finished.fingerprint);
  });

  it('refuses an update that was changed on its way, says so, and goes on', async () => {
    const transport = carrier();
    const all = parties(transport);
    const broken: Transport['getBlob'] = async (...blob) => (await transport.getBlob(...blob)).map((byte) => byte ^ 1);
    let first = true;
    const hostile: Transport = {
      ...transport,
      getBlob(...blob) {
        const get = first ? broken : transport.getBlob;
        first = false;
        return get(...blob);
      },
    };
    const coordinator = all.coordinator({}, hostile);
    const one = stage(configOf({ rounds: 2 }), {
      transport: coordinator,
      wrap: (site) => all.site(site),
      sites: ['a', 'b'],
    });
    await one.done;
    expect(of(one.events, 'refused')).toMatchObject([
      { round: 1, reason: expect.stringContaining('changed on its way') },
    ]);
    expect(of(one.events, 'finished')).toHaveLength(1);
  });
});
