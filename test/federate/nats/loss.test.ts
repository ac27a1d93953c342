/** A broker that loses what it had, is killed or cut off: transfers go on, what was said is said again. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { GraftError } from '../../../src/core/index.js';
import { Broker } from '../../../src/federate/transports/nats/broker.js';
import { counts, forge, kept, newFederation, operator, peer, random, until } from './peers.js';
import { describeWithBroker, TestBroker } from './server.js';

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
/** Most bytes of a chunk; a blob of up to 64 of them is in 64 chunks. */
const CHUNK = 768 * 1024;

/** A line to the broker that is cut again and again: after so many bytes towards it. */
async function cutLine(port: number, limit: number) {
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    let passed = 0;
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.end();
      });
    }
    to.pipe(from);
    from.on('data', (data) => {
      passed += data.length;
      to.write(data);
      if (passed < limit) return;
      cuts++;
      from.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as { port: number };
  return {
    address: `nats://127.0.0.1:${own}`,
    cuts: () => cuts,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
    open: () => server.listen(own, '127.0.0.1'),
  };
}

describeWithBroker('a transfer', () => {
  it('that is cut off again and again goes on where it was', async () => {
    const broker = await TestBroker.start();
    const federation = newFederation();
    const line = await cutLine(broker.port, 5 * CHUNK);
    const coordinator = await peer({ servers: [line.address], federation });
    const bytes = random(14 * CHUNK);
    const hash = await coordinator.putBlob(bytes, 1);
    expect(line.cuts()).toBeGreaterThanOrEqual(2);
    const found = await counts(await operator(broker), `graft-${federation}-blob`);
    expect(found.kept).toBe(64);
    expect(found.published).toBeLessThan(64 + 16);
    const site = await peer({ servers: [broker.address], federation, site: 'a' });
    expect(Buffer.compare(await site.getBlob(hash, 2 ** 30), bytes)).toBe(0);
    line.close();
  });

  it('that a killed peer began is completed by the next one, which sends the missing chunks alone', async () => {
    const broker = await TestBroker.start();
    const federation = newFederation();
    const client = await operator(broker);
    const stream = `graft-${federation}-update`;
    await peer({ servers: [broker.address], federation });
    await until(async () => (await kept(client, stream)) === 0); // the coordinator has made the streams
    const line = await cutLine(broker.port, 4.5 * CHUNK);
    const killed = await peer({ servers: [line.address], federation, site: 'a' });
    const bytes = random(20 * CHUNK);
    const lost = killed.putBlob(bytes, 1);
    lost.catch(() => {});
    await until(async () => line.cuts() > 0 && (await kept(client, stream))! > 0);
    await killed[Symbol.asyncDispose]();
    line.close();
    await expect(lost).rejects.toMatchObject({ code: 'TRANSPORT_CLOSED' });

    // What was under way when it was killed arrives, or does not.
    let before = await counts(client, stream);
    for (let again = { kept: -1 }; again.kept !== before.kept; again = await counts(client, stream)) {
      before = await counts(client, stream);
      await setTimeout(300);
    }
    expect(before.kept).toBeGreaterThan(0);
    expect(before.kept).toBeLessThan(64);
    const next = await peer({ servers: [broker.address], federation, site: 'a' });
    await next.putBlob(bytes, 1);
    const after = await counts(client, stream);
    expect(after).toEqual({ kept: 64, published: before.published + 64 - before.kept });
    await next.putBlob(bytes, 1);
    expect(await counts(client, stream)).toEqual(after);
  });

  it('goes on when the broker is killed in its middle, on the way in and on the way out', async () => {
    const broker = await TestBroker.start();
    const federation = newFederation();
    const client = await operator(broker);
    const options = { servers: [broker.address], federation, patience: 20 };
    const [coordinator, site] = [await peer(options), await peer({ ...options, site: 'a' })];
    const bytes = random(100 * CHUNK);
    const put = coordinator.putBlob(bytes, 1);
    await until(async () => ((await kept(client, `graft-${federation}-blob`)) ?? 0) > 5);
    await broker.restart();
    const hash = await put;
    const events = site.events(new AbortController().signal)[Symbol.asyncIterator]();
    const got = site.getBlob(hash, 2 ** 30);
    await broker.restart();
    expect((await events.next()).value).toEqual({ kind: 'disconnected' });
    expect(Buffer.compare(await got, bytes)).toBe(0);
  });
});

describeWithBroker('a second coordinator', () => {
  const refusal = (other: string) => new GraftError('OTHER', `there is ${other}`, '', 2);

  it('that was begun while the first was cut off is noticed by the first when it is back, before it says anything', async () => {
    const broker = await TestBroker.start();
    const federation = newFederation();
    const line = await cutLine(broker.port, 2 ** 40);
    const first = await peer({ servers: [line.address], federation });
    await first.claim('the first', refusal);
    const site = await peer({ servers: [broker.address], federation, site: 'a' });
    const heard: string[] = [];
    void (async () => {
      for await (const task of site.watchTasks(new AbortController().signal)) heard.push(Buffer.from(task).toString());
    })();
    await first.publishTask(bytesOf('of the first'));

    const refused = await peer({ servers: [broker.address], federation });
    await expect(refused.claim('the second', refusal)).rejects.toThrow('there is the first');
    line.close();
    const second = await peer({ servers: [broker.address], federation });
    await second.claim('the second', refusal);
    await second.publishTask(bytesOf('of the second'));
    const late = first.publishTask(bytesOf('of the first again'));
    const listening = (async () => {
      for await (const _ of first.presence(new AbortController().signal));
    })();
    line.open();
    for (const call of [late, listening]) await expect(call).rejects.toThrow('there is the second');
    await second.publishTask(bytesOf('of the second again'));
    await until(() => heard.length === 3);
    expect(heard).toEqual(['of the first', 'of the second', 'of the second again']);
  });
});

describeWithBroker('a broker that takes nothing', () => {
  it.each([
    [
      'full',
      Object.assign(new Error('write 4.blk: no space left on device'), { name: 'JetStreamApiError', code: 10077 }),
    ],
    ['silent', Object.assign(new Error('timeout'), { name: 'TimeoutError' })],
  ] as const)('because it is %s is told once, and when it takes it', async (cause, error) => {
    const { address } = await TestBroker.start();
    const broker = await Broker.connect({ servers: [address], federation: newFederation() });
    const end = new AbortController();
    const told = broker.events.listen(end.signal);
    let [left, sent] = [3, 0];
    const send = async () => {
      if (left-- > 0) throw error;
      sent++;
    };
    await Promise.all([broker.insist(send), broker.insist(send)]);
    await broker.insist(send);
    end.abort();
    const events: unknown[] = [];
    for await (const event of told) events.push(event);
    expect(events).toEqual([{ kind: 'stuck', cause }, { kind: 'unstuck' }]);
    expect(sent).toBe(3);
    await broker.close();
  });
});

describeWithBroker('what was put in the place of a message', () => {
  it('is replaced by its owner: the task, a state, and each chunk of a blob', async () => {
    const broker = await TestBroker.start();
    const federation = newFederation();
    const client = await operator(broker);
    const options = { servers: [broker.address], federation, patience: 20 };
    const [coordinator, a] = [await peer(options), await peer({ ...options, site: 'a' })];
    const end = new AbortController();
    const bytes = random(3 * CHUNK);
    const down = await coordinator.putBlob(bytes, 1);
    await coordinator.publishTask(bytesOf('round 1'));
    const up = await a.putBlob(bytes, 1);
    await a.updateState('a', bytesOf('update'));
    const places = [
      ...[0, 7, 63].map((chunk) => `blob.${down}.${chunk}`),
      ...[0, 7, 63].map((chunk) => `update.a.1.${up}.${chunk}`),
      ...['task', 'state.a'],
    ];
    for (const place of places) await forge(client, `graft.${federation}.${place}`, bytesOf('garbage'), bytes.length);
    const events: unknown[] = [];
    const listening = [coordinator, a].map(async (one) => {
      for await (const event of one.events(end.signal)) if (event.kind === 'restored') events.push(event.what);
    });
    await broker.restart();
    await until(() => events.length === 4);
    expect(events.sort()).toEqual(['blob', 'blob', 'state', 'task']);
    const late = await peer({ ...options, site: 'late' });
    for await (const task of late.watchTasks(end.signal)) {
      expect(Buffer.from(task).toString()).toBe('round 1');
      break;
    }
    expect(Buffer.compare(await late.getBlob(down, 2 ** 30), bytes)).toBe(0);
    expect(Buffer.compare(await coordinator.getBlob(up, 2 ** 30, { site: 'a', round: 1 }), bytes)).toBe(0);
    for await (const { state } of (await peer(options)).presence(end.signal)) {
      expect(Buffer.from(state).toString()).toBe('update');
      break;
    }
    end.abort();
    await Promise.all(listening);
  });

  it('is not taken for a chunk that a process before sent, in whose stead the next one puts its own', async () => {
    const broker = await TestBroker.start();
    const federation = newFederation();
    const client = await operator(broker);
    const options = { servers: [broker.address], federation };
    const bytes = random(3 * CHUNK);
    const before = await peer(options);
    const hash = await before.putBlob(bytes, 1);
    await before[Symbol.asyncDispose]();
    const place = `graft.${federation}.blob.${hash}`;
    const size = Math.ceil(bytes.length / 64);
    await forge(client, `${place}.0`, bytes.subarray(0, size), 7);
    await forge(client, `${place}.5`, bytes.subarray(0, size), bytes.length);
    const { published } = await counts(client, `graft-${federation}-blob`);
    await (await peer(options)).putBlob(bytes, 1);
    expect(await counts(client, `graft-${federation}-blob`)).toEqual({ kept: 64, published: published + 2 });
    const site = await peer({ ...options, site: 'a' });
    expect(Buffer.compare(await site.getBlob(hash, 2 ** 30), bytes)).toBe(0);
  });
});

describeWithBroker('a store that is emptied', () => {
  it('gets back what each peer said last and the blobs of the round, and nobody hears anything twice', async () => {
    const broker = await TestBroker.start();
    const options = { servers: [broker.address], federation: newFederation(), patience: 20 };
    const [coordinator, a] = [await peer(options), await peer({ ...options, site: 'a' })];
    const end = new AbortController();
    const tasks: string[] = [];
    const states: string[] = [];
    const listening = [
      (async () => {
        for await (const task of a.watchTasks(end.signal)) tasks.push(Buffer.from(task).toString());
      })(),
      (async () => {
        for await (const { site, state } of coordinator.presence(end.signal))
          states.push(`${site} ${Buffer.from(state)}`);
      })(),
    ];
    const down = await coordinator.putBlob(random(3 * CHUNK), 1);
    await coordinator.publishTask(bytesOf('round 1'));
    await until(() => tasks.length === 1);
    const up = await a.putBlob(random(2 * CHUNK), 1);
    await a.updateState('a', bytesOf('update'));
    await until(() => states.length === 1);

    await broker.restart({ wiped: true });
    const late = await peer({ ...options, site: 'late' });
    expect((await late.getBlob(down, 2 ** 30)).length).toBe(3 * CHUNK);
    expect((await coordinator.getBlob(up, 2 ** 30, { site: 'a', round: 1 })).length).toBe(2 * CHUNK);
    const again = late.watchTasks(end.signal)[Symbol.asyncIterator]();
    expect(Buffer.from((await again.next()).value).toString()).toBe('round 1');
    await late.updateState('late', bytesOf('here'));
    await until(() => states.length === 2);
    expect([tasks, states]).toEqual([['round 1'], ['a update', 'late here']]);
    end.abort();
    await Promise.all(listening);
  });

  it('leaves a blob missing whose owner is away, and says so', async () => {
    const broker = await TestBroker.start();
    const options = { servers: [broker.address], federation: newFederation() };
    const coordinator = await peer(options);
    const hash = await coordinator.putBlob(random(100), 1);
    const site = await peer({ ...options, site: 'a' });
    expect((await site.getBlob(hash, 2 ** 30)).length).toBe(100);
    await coordinator[Symbol.asyncDispose]();
    await broker.restart({ wiped: true });
    await expect(site.getBlob(hash, 2 ** 30)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
  });
});
