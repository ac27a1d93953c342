/**
 * The coordinator's computation: an update is judged when it comes and not again, what is read of many updates does not
 * pile up, a state's bytes are sent as they were kept, and a thread of its own gives the same bits.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { Blobs, hashOf } from '../../src/federate/blobs.js';
import type { StateRecord } from '../../src/federate/entries.js';
import { GlobalState, type Label } from '../../src/federate/global.js';
import { type Computation, encodePayload, inProcess, ledgerFile, readLedger } from '../../src/federate/index.js';
import { blobFolder } from '../../src/federate/places.js';
import { encodePieces, send, type WireFormat, wireFormats } from '../../src/federate/wire/index.js';
import { decodeSafetensors } from '../../src/formats/index.js';
import { disposeState, type State } from '../../src/nn/index.js';
import { full, Generator, memoryStatistics, operator, setThreads, type Tensor } from '../../src/torch/index.js';
import { compiled, root, runModule } from '../child.js';
import { configOf, newFolder, of, run } from './small.js';

setThreads(1);
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
/** Frees what JavaScript forgot: buffers, and tensors, whose finalisers have a turn of their own. */
async function collect(): Promise<void> {
  for (let k = 0; k < 2; k++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const randn = operator('aten::randn.generator') as (
  size: readonly number[],
  options: { generator: Generator },
) => Tensor;

const formats = Object.entries(wireFormats).map(([name, format]) => ({ name, format, decode: format.decode }));
afterEach(() => {
  for (const { format, decode } of formats) format.decode = decode;
});

/** Sees every tensor that is decoded; the decoding is the real one. */
function watchDecoding(format: WireFormat, see: () => void): void {
  const { decode } = format;
  format.decode = (coded) => {
    see();
    return decode(coded);
  };
}

const names = ['first', 'second', 'third'];
const initial = (): State => new Map(names.map((name, k) => [name, full([40, 10 + k], k)]));

/** A computation in a folder of its own, with the state that a federation begins with. */
function begin(values: Record<string, unknown>, tensors = initial()) {
  const folder = newFolder();
  const label: Label = { base: 'base', plan: 'plan', config: configOf(values) };
  const blobs = new Blobs(folder);
  const global = GlobalState.begin(label, tensors);
  const state = global.keep(blobs, 0);
  global.dispose();
  return { folder, label, blobs, state, computation: inProcess({ folder, label }) };
}

/** An update that is `value` everywhere, or what a lossy format leaves of that. */
function updateOf(site: string, value: number, { config, base, plan }: Label) {
  const format = wireFormats[config.wire];
  const state = new Map(names.map((name, k) => [name, full([40, 10 + k], value)] as const));
  const metadata = { site, round: '1', base, plan };
  const { bytes, length } = encodePayload(send(state, format, new Map()).coded, format, metadata, config.compression);
  return { bytes, blob: { hash: hashOf([bytes]), length } };
}

const updatesOf = (label: Label, count: number) =>
  Array.from({ length: count }, (_, k) => ({
    site: `site ${k}`,
    weight: 1 / count,
    ...updateOf(`site ${k}`, k, label),
  }));

/** Judges updates as they would come, and gives what `aggregate` takes. */
async function judgeAll(computation: Computation, state: StateRecord, received: ReturnType<typeof updatesOf>) {
  for (const { site, blob, bytes } of received) await computation.judge({ state, round: 1, site, blob, bytes });
  return { state, round: 1, updates: received.map(({ site, weight, blob }) => ({ site, weight, blob })) };
}

describe('an update', () => {
  it.each([
    { wire: 'fp32', compression: 'none' },
    { wire: 'int8', compression: 'none' },
    { wire: 'bf16', compression: 'deflate' },
  ])('is decoded once to judge it and once where it is used ($wire, $compression)', async (values) => {
    const { label, state, computation } = begin(values);
    await computation.tensors(state);
    const received = updatesOf(label, 5);
    let decoded = 0;
    watchDecoding(wireFormats[label.config.wire], () => decoded++);
    const round = await judgeAll(computation, state, received);
    expect(decoded).toBe(5 * names.length);
    decoded = 0;
    await computation.aggregate(round);
    // And the new state, as the sites will see it, where that is not as it was made.
    expect(decoded).toBe(5 * names.length + (label.config.wire === 'fp32' ? 0 : names.length));
    computation[Symbol.dispose]();
  });

  it.each(['none', 'deflate'])('of 4 sites and of 60 takes as many tensors at once (%s)', async (compression) => {
    const most: number[] = [];
    for (const count of [4, 60]) {
      const { label, state, computation } = begin({ compression });
      const round = await judgeAll(computation, state, updatesOf(label, count));
      const before = memoryStatistics().tensors;
      let seen = 0;
      watchDecoding(wireFormats.fp32, () => {
        seen = Math.max(seen, memoryStatistics().tensors - before);
      });
      const { state: next } = await computation.aggregate(round);
      most.push(seen);
      const [value] = (await computation.tensors(next)).get('second')!.toArray();
      expect(value).toBeCloseTo((count - 1) / 2, 5);
      computation[Symbol.dispose]();
    }
    expect(most[1]).toBeLessThanOrEqual(most[0]);
  });

  it.each(['mean', 'product-svd', 'lora-fair'])(
    'of 6 sites and of 60 takes at most two updates beside the global state (%s)',
    async (aggregation) => {
      // Shaped as SAM's: pairs of square layers, and weights beside them.
      const size = 256;
      const shapes = Array.from({ length: 16 }, (_, k) => [
        [`${k}.lora_A`, [16, size]] as const,
        [`${k}.lora_B`, [size, 16]] as const,
        [`${k}.weight`, [64, 64]] as const,
      ]).flat();
      const generator = new Generator(1);
      const make = (): State => new Map(shapes.map(([name, shape]) => [name, randn(shape, { generator })]));
      const { label, blobs, state, computation } = begin({ aggregation }, make());
      const blobOf = (site: string) => {
        const metadata = { site, round: '1', base: label.base, plan: label.plan };
        const update = make();
        const { pieces, length } = encodePieces(
          send(update, wireFormats.fp32, new Map()).coded,
          wireFormats.fp32,
          metadata,
          'none',
        );
        disposeState(update);
        return { ...blobs.put(pieces, length) };
      };
      const kept = Array.from({ length: 6 }, (_, k) => blobOf(`site ${k}`));
      const { length } = kept[0];
      for (const count of [6, 60]) {
        const updates = Array.from({ length: count }, (_, k) => ({
          site: `${k}`,
          weight: 1 / count,
          blob: kept[k % 6],
        }));
        await computation.tensors(state);
        await collect();
        const held = () => memoryStatistics().bytes + process.memoryUsage().arrayBuffers;
        const before = held();
        let most = 0;
        const see = () => {
          most = Math.max(most, held() - before);
        };
        watchDecoding(wireFormats.fp32, see);
        await computation.aggregate({ state, round: 1, updates });
        see();
        expect(most / length).toBeLessThan(2);
        await collect();
        expect((held() - before) / length).toBeLessThan(0.25); // the new state is as large as the old one
      }
      computation[Symbol.dispose]();
    },
  );

  it('that is not what its hash says, or not what it must be, is refused and not kept', async () => {
    const { blobs, label, state, computation } = begin({ maxNorm: 1e4 });
    const { bytes, blob } = updateOf('a', 1, label);
    const judged = (site: string, given = bytes, named = blob) =>
      computation.judge({ state, round: 1, site, blob: named, bytes: given });
    const refused = (reason: string) => ({ code: 'PAYLOAD_INVALID', message: expect.stringContaining(reason) });
    await expect(judged('a', Buffer.from('other'))).rejects.toMatchObject(refused('changed on their way'));
    await expect(judged('b')).rejects.toMatchObject(refused('its site is a instead of b'));
    const far = updateOf('a', 1e9, label);
    await expect(judged('a', far.bytes, far.blob)).rejects.toMatchObject(refused('more than 10000'));
    for (const one of [blob, far.blob]) expect(() => blobs.check(one)).toThrow('it is missing');
    expect(await judged('a')).toBeCloseTo(Math.sqrt(40 * (10 + 12)), 3);
    expect(blobs.get(blob)).toEqual(Buffer.from(bytes));
  });

  it.each(['none', 'deflate'])(
    'that was changed on the disk after it was judged is not aggregated (%s)',
    async (compression) => {
      const { blobs, label, state, computation } = begin({ compression });
      const round = await judgeAll(computation, state, updatesOf(label, 3));
      const [{ blob }] = round.updates;
      const changed = Buffer.from(blobs.get(blob));
      changed[changed.length - 9] ^= 1;
      writeFileSync(blobs.fileOf(blob), changed);
      await expect(computation.aggregate(round)).rejects.toMatchObject({
        code: 'BLOB_DAMAGED',
        message: expect.stringContaining(blob.hash),
      });
    },
  );
});

describe('what sites receive', () => {
  it.each(['product-svd', 'rolora', 'fedex'])('is what was kept, whole and in part: %s', async (aggregation) => {
    const folder = newFolder();
    const events = await run(folder, configOf({ aggregation }));
    const kept = readLedger(ledgerFile(folder)).flatMap((entry) => ('state' in entry ? [entry.state] : []));
    expect(kept.map(({ fresh }) => fresh !== undefined)).toEqual([false, ...Array(3).fill(aggregation === 'rolora')]);
    expect(of(events, 'failed')).toEqual([]);
  });

  it('is the kept bytes themselves: where they are damaged, nothing is made anew unnoticed', async () => {
    const folder = newFolder();
    const blobs = blobFolder(folder);
    const evaluate = async () => {
      for (const name of readdirSync(blobs)) {
        const bytes = readFileSync(join(blobs, name));
        if (decodeSafetensors(bytes).metadata.from !== 'coordinator') continue;
        bytes[bytes.length - 1] ^= 1;
        writeFileSync(join(blobs, name), bytes);
      }
      return {};
    };
    await expect(run(folder, configOf({ rounds: 2 }), { evaluate })).rejects.toMatchObject({ code: 'BLOB_DAMAGED' });
  });
});

/** What the children use, which is loaded in half the time of all that `federate` has. */
const library = ['simulate', 'config', 'ledger', 'places', 'computation/index']
  .map((name) => compiled(`federate/${name}.js`))
  .concat(['nn', 'torch'].map((area) => compiled(`${area}/index.js`)));

/** The compiled package in a child process: what the threads of a computation are made of. */
const inChild = <T>(body: string): T =>
  runModule<T>(`
    import { mkdtempSync, rmSync, writeFileSync, readdirSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    import { join } from 'node:path';
    const parts = await Promise.all(${JSON.stringify(library)}.map((url) => import(url)));
    const graft = Object.assign({}, ...parts);
    const { makeRegression } = await import(${JSON.stringify(pathToFileURL(join(root, 'test/federate/regression.mjs')).href)});
    graft.setThreads(1);
    const folder = mkdtempSync(join(tmpdir(), 'graft-computation-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    async function run(name, values, more = {}) {
      const { sites, base, initial } = makeRegression(graft, { steps: 3 });
      const config = graft.federationSchema.parse({ rounds: 3, ...values });
      const options = { folder: join(folder, name), config, plan: 'lora', base, initial, sites };
      const events = [];
      for await (const event of graft.runFederation({ ...options, ...more }))
        events.push(event.kind === 'finished' ? { ...event, global: graft.fingerprint(event.global) } : event);
      return events;
    }
    const story = (name) => graft.readLedger(graft.ledgerFile(join(folder, name))).flatMap((entry) =>
      entry.kind === 'accepted' ? [[entry.round, entry.site, entry.norm, entry.blob.hash].join(' ')]
      : 'state' in entry ? [JSON.stringify([entry.state, entry.error, entry.metrics])] : []).sort();
    ${body}
  `);

describe('a computation in a thread of its own', () => {
  it('gives the same bits, also of corrections and of what is scored', () => {
    const settings = [
      { aggregation: 'product-svd', wire: 'int8', compression: 'deflate', server: { optimiser: 'fedadam', lr: 0.05 } },
      { aggregation: 'fedex' },
      { aggregation: 'rolora', wire: 'bf16' },
    ];
    const told = inChild<{ here: string[]; there: string[]; last: unknown[] }[]>(`
      const told = [];
      for (const [i, values] of ${JSON.stringify(settings)}.entries()) {
        const evaluate = async (global, round, corrections) => ({
          sum: [...global.values()].reduce((sum, value) => sum + value.sum().item(), 0),
          added: corrections.reduce((sum, { factors }) => sum + factors.b.matmul(factors.a).norm().item(), 0),
        });
        const last = [];
        for (const computation of [graft.inProcess, graft.inWorker]) {
          const events = await run(i + computation.name, values, { computation, evaluate });
          const { global, fingerprint } = events.at(-1);
          last.push(global, fingerprint);
        }
        told.push({ here: story(i + 'inProcess'), there: story(i + 'inWorker'), last });
      }
      console.log(JSON.stringify(told));
    `);
    for (const { here, there, last } of told) {
      expect(here.length).toBe(3 * 3 + 4);
      expect(there).toEqual(here);
      expect(new Set(last).size).toBe(1);
    }
  });

  /** A computation in a thread, a state of one large pair, and updates of five sites on the disk. */
  const large = `
    const label = { base: 'base', plan: 'plan', config: graft.federationSchema.parse({}) };
    const { Blobs, hashOf } = await import(${JSON.stringify(compiled('federate/blobs.js'))});
    const { GlobalState } = await import(${JSON.stringify(compiled('federate/global.js'))});
    const wire = await import(${JSON.stringify(compiled('federate/wire/index.js'))});
    const blobs = new Blobs(folder);
    const randn = graft.operator('aten::randn.generator');
    const generator = new graft.Generator(1);
    const make = () => new Map([['lora_A', randn([64, 700], { generator })], ['lora_B', randn([700, 64], { generator })]]);
    const state = GlobalState.begin(label, make()).keep(blobs, 0);
    const computation = graft.inWorker({ folder, label });
    const updates = [];
    for (const site of ['a', 'b', 'c', 'd', 'e']) {
      const metadata = { site, round: '1', base: 'base', plan: 'plan' };
      const { bytes, length } = wire.encodePayload(wire.send(make(), wire.wireFormats.fp32, new Map()).coded, wire.wireFormats.fp32, metadata, 'none');
      const blob = { hash: hashOf([bytes]), length };
      await computation.judge({ state, round: 1, site, blob, bytes });
      updates.push({ site, weight: 0.2, blob });
    }
    const round = { state, round: 1, updates };
  `;

  it('leaves the event loop free while it aggregates, and the process when it has nothing to do', () => {
    const told = inChild<{ turns: number; blocked: number; error: number }>(`
      ${large}
      let [turns, done] = [0, false];
      const turn = () => { if (!done) { turns++; setImmediate(turn); } };
      const count = async (on) => {
        [turns, done] = [0, false];
        const promise = on.aggregate(round).finally(() => { done = true; });
        setImmediate(turn);
        const { error } = await promise;
        return { turns, error };
      };
      const { turns: free, error } = await count(computation);
      const { turns: blocked } = await count(graft.inProcess({ folder, label }));
      console.log(JSON.stringify({ turns: free, blocked, error }));
    `);
    expect(told.error).toBeGreaterThan(0);
    expect(told.turns).toBeGreaterThan(0);
    expect(told.blocked).toBe(0);
  });

  it('passes errors on with code, hint and exit code, and goes on afterwards', () => {
    const told = inChild<{ refused: object; damaged: object; again: number }>(`
      ${large}
      const caught = async (promise) => { try { await promise; } catch (error) { return { name: error.name, code: error.code, message: error.message, hint: error.hint, exitCode: error.exitCode }; } };
      const [{ blob }] = updates;
      const refused = await caught(computation.judge({ state, round: 1, site: 'z', blob, bytes: blobs.get(blob) }));
      const whole = blobs.get(blob);
      writeFileSync(blobs.fileOf(blob), 'something else');
      const damaged = await caught(computation.aggregate(round));
      writeFileSync(blobs.fileOf(blob), whole);
      const { error: again } = await computation.aggregate(round);
      console.log(JSON.stringify({ refused, damaged, again }));
    `);
    expect(told.refused).toEqual({
      ...{ name: 'GraftError', code: 'PAYLOAD_INVALID', exitCode: 6 },
      message: expect.stringContaining('Tensors from z cannot be used (its site is a instead of z)'),
      hint: expect.stringContaining('same version'),
    });
    expect(told.damaged).toMatchObject({ name: 'GraftError', code: 'BLOB_DAMAGED', exitCode: 6 });
    expect(told.again).toBeGreaterThan(0);
  });

  it('ends when it is interrupted or disposed; what was kept stays whole and the next request begins anew', () => {
    const told = inChild<{ interrupted: string; disposed: string; error: number; left: string[] }>(`
      ${large}
      const named = (promise) => promise.then(() => 'done', (error) => error.name);
      const first = named(computation.aggregate(round));
      setImmediate(() => computation.interrupt());
      const interrupted = await first;
      const { error } = await computation.aggregate(round);
      const second = named(computation.aggregate(round));
      computation[Symbol.dispose]();
      const disposed = await second;
      for (const { blob } of updates) blobs.check(blob);
      console.log(JSON.stringify({ interrupted, disposed, error }));
    `);
    expect(told).toMatchObject({ interrupted: 'Interrupted', disposed: 'Interrupted' });
    expect(told.error).toBeGreaterThan(0);
  });

  it('ends with the run that is ended, without an error', () => {
    const told = inChild<string[]>(`
      const controller = new AbortController();
      let interrupted = 0;
      const computation = (setup) => {
        const worker = graft.inWorker(setup);
        return {
          judge: (update) => worker.judge(update),
          tensors: (state) => worker.tensors(state),
          [Symbol.dispose]: () => worker[Symbol.dispose](),
          interrupt: () => { interrupted++; worker.interrupt(); },
          aggregate(round) {
            const made = worker.aggregate(round);
            if (round.round === 2) controller.abort();
            return made;
          },
        };
      };
      const events = await run('ended', { rounds: 3 }, { computation, signal: controller.signal });
      const later = await run('ended', { rounds: 3 });
      const whole = await run('whole', { rounds: 3 });
      console.log(JSON.stringify([String(interrupted), events.filter(({ kind }) => kind === 'aggregated').length + '', later.at(-1).fingerprint, whole.at(-1).fingerprint]));
    `);
    expect(told.slice(0, 2)).toEqual(['1', '1']);
    expect(told[2]).toBe(told[3]);
  });
});
