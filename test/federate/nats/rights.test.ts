/** What peers may do at a broker with the generated configuration, and what is made of answers that cannot be true. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { connect as dialSecurely } from 'node:tls';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraftError } from '../../../src/core/index.js';
import { brokerConfiguration, type NatsTransport, permissionsOf, type TlsFiles } from '../../../src/federate/index.js';
import { identityOf } from '../../../src/federate/transports/nats/addresses.js';
import { newFolder } from '../small.js';
import { Authority, hasOpenssl } from './certificates.js';
import { forge, newFederation, operator, peer, random } from './peers.js';
import { describeWithBroker, freePort, TestBroker, version } from './server.js';

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
/** Bytes of the chunks of a small blob. */
const CHUNK = 32 * 1024;

if (hasOpenssl)
  describeWithBroker('a broker that knows its peers by their certificates', () => {
    const federation = 'hospitals';
    let [broker, servers]: [TestBroker, string[]] = [] as never;
    const files: Record<string, TlsFiles> = {};
    let authority: Authority;
    const as = (site: string | undefined, certificate: string, others: object = {}) =>
      peer({ servers, federation, site, tls: files[certificate], ...others });
    let [coordinator, a, b]: NatsTransport[] = [];
    beforeAll(async () => {
      authority = new Authority();
      files.broker = authority.issue('broker', ['IP:127.0.0.1', 'IP:::1']);
      for (const name of ['coordinator', 'site-a', 'site-b', 'stranger']) files[name] = authority.issue(name);
      broker = await TestBroker.start((port, store) =>
        brokerConfiguration({
          ...{
            federation,
            store,
            version,
            tls: files.broker,
            listen: `127.0.0.1:${port}`,
            coordinator: 'CN=coordinator',
          },
          ...{ sites: { 'Klinik A': 'CN=site-a', b: 'CN=site-b' }, capacity: 2 ** 24 },
        }),
      );
      servers = [`tls://127.0.0.1:${broker.port}`];
      coordinator = await as(undefined, 'coordinator', { capacity: 2 ** 24 });
      a = await as('Klinik A', 'site-a');
      b = await as('b', 'site-b');
    });

    /** Whether the broker answers somebody who shows these files, or none; graft's own client would wait longer for that. */
    const answers = (shown: TlsFiles | undefined) =>
      new Promise<boolean>((resolve) => {
        const plain = dial(broker.port, '127.0.0.1').once('data', () => {
          const own = shown && { cert: readFileSync(shown.certificate), key: readFileSync(shown.key) };
          const ca = readFileSync(files.broker.ca);
          const secure = dialSecurely({ socket: plain, ca, ...own, checkServerIdentity: () => undefined });
          secure.write('CONNECT {"verbose":false}\r\nPING\r\n');
          secure.on('data', (data) => resolve(String(data).includes('PONG')));
          secure.on('error', () => resolve(false));
          secure.on('close', () => resolve(false));
        });
      });

    it('lets a federation work', async () => {
      const end = new AbortController();
      const down = await coordinator.putBlob(random(2 * CHUNK), 1);
      await coordinator.publishTask(bytesOf('round 1'));
      const [task] = [a.watchTasks(end.signal)[Symbol.asyncIterator]()];
      expect(Buffer.from((await task.next()).value).toString()).toBe('round 1');
      expect((await a.getBlob(down, 2 ** 30)).length).toBe(2 * CHUNK);
      const up = await a.putBlob(random(CHUNK + 1), 1);
      await a.updateState('Klinik A', bytesOf('update'));
      const states = coordinator.presence(end.signal)[Symbol.asyncIterator]();
      expect((await states.next()).value).toEqual({ site: 'Klinik A', state: Buffer.from('update') });
      expect((await coordinator.getBlob(up, 2 ** 30, { site: 'Klinik A', round: 1 })).length).toBe(CHUNK + 1);
      end.abort();
    });

    it('lets a site say nothing for another one or for the coordinator, nor hear what another one sent', async () => {
      const forbidden = { code: 'BROKER_FORBIDDEN' };
      await expect(b.updateState('Klinik A', bytesOf('failed'))).rejects.toMatchObject({
        ...forbidden,
        message: expect.stringMatching(
          /^The broker does not allow this peer to publish on \S*graft\.hospitals\.state\.Klinik=20A\.$/,
        ),
      });
      await expect(b.publishTask(bytesOf('done'))).rejects.toMatchObject(forbidden);
      const listening = b.presence(new AbortController().signal)[Symbol.asyncIterator]();
      await expect(listening.next()).rejects.toMatchObject(forbidden);
      const up = await a.putBlob(random(10), 1);
      await expect(b.getBlob(up, 2 ** 30)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
      const imposter = await as('Klinik A', 'site-b');
      await expect(imposter.putBlob(random(10), 1)).rejects.toMatchObject(forbidden);
    });

    it('hears of a site what that site sent, whatever another one put under its hash', async () => {
      const bytes = random(2 * CHUNK);
      const hash = await a.putBlob(bytes, 1);
      const tls = { caFile: files.broker.ca, certFile: files['site-b'].certificate, keyFile: files['site-b'].key };
      const identity = { checkServerIdentity: identityOf(servers) };
      const raw = await connect({
        servers,
        tls: { ...tls, ...identity },
        inboxPrefix: '_INBOX.graft.hospitals.site.b',
      });
      for (const chunk of [0, 1])
        await forge(raw, `graft.${federation}.update.b.1.${hash}.${chunk}`, random(CHUNK), 2 * CHUNK);
      await raw.close();
      expect(Buffer.compare(await coordinator.getBlob(hash, 2 ** 30, { site: 'Klinik A', round: 1 }), bytes)).toBe(0);
    });

    it('says when its store is full', async () => {
      await expect(a.putBlob(random(2 ** 24 + 1), 1)).rejects.toMatchObject({ code: 'BROKER_FULL' });
    });

    it('is reached at IPv6 addresses too', async () => {
      const both = await TestBroker.start((port, store) =>
        brokerConfiguration({
          ...{
            federation,
            store,
            version,
            tls: files.broker,
            listen: `[::]:${port}`,
            coordinator: 'CN=coordinator',
            sites: {},
          },
        }),
      );
      const over6 = await peer({ servers: [`tls://[::1]:${both.port}`], federation, tls: files.coordinator });
      await over6.putBlob(random(10), 1);
      await both.restart();
      await over6.putBlob(random(20), 1);
    });

    it('is not taken for the one of another address', async () => {
      const other = authority.issue('other', ['DNS:localhost', 'IP:127.0.0.2']);
      const { port } = await TestBroker.start((free, store) =>
        brokerConfiguration({
          ...{ federation, store, version, tls: other, listen: `127.0.0.1:${free}` },
          ...{ coordinator: 'CN=coordinator', sites: {} },
        }),
      );
      const at = (...hosts: string[]) =>
        peer({ servers: hosts.map((host) => `tls://${host}:${port}`), federation, tls: files.coordinator });
      await expect(at('127.0.0.1')).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' });
      await at('localhost');
    });

    it('that does not know a site any more ends what the site waits for', async () => {
      const dropped = await TestBroker.start((port, store) =>
        brokerConfiguration({
          ...{
            federation,
            store,
            version,
            tls: files.broker,
            listen: `127.0.0.1:${port}`,
            coordinator: 'CN=coordinator',
          },
          sites: { b: 'CN=site-b' },
        }),
      );
      const site = await peer({
        servers: [`tls://127.0.0.1:${dropped.port}`],
        federation,
        site: 'b',
        tls: files['site-b'],
      });
      const waiting = site.watchTasks(new AbortController().signal)[Symbol.asyncIterator]().next();
      waiting.catch(() => {});
      await dropped.restart({
        configuration: (port, store) =>
          brokerConfiguration({
            ...{ federation, store, version, tls: files.broker, listen: `127.0.0.1:${port}` },
            ...{ coordinator: 'CN=coordinator', sites: {} },
          }),
      });
      await expect(waiting).rejects.toMatchObject({ code: 'BROKER_REFUSED' });
      await expect(site.updateState('b', bytesOf('here'))).rejects.toMatchObject({ code: 'BROKER_REFUSED' });
    });

    it('lets sites in and out when it reads its configuration again, once, and leaves the others alone', async () => {
      const names = Array.from({ length: 20 }, (_, k) => `late-${k}`);
      const own = { ...files, ...Object.fromEntries(names.map((name) => [name, authority.issue(name)])) };
      const of = (sites: Record<string, string | undefined>) => (port: number, store: string) =>
        brokerConfiguration({
          ...{ federation, store, version, tls: files.broker, listen: `127.0.0.1:${port}` },
          ...{ coordinator: 'CN=coordinator', sites, capacity: 2 ** 24 },
        });
      const sites: Record<string, string | undefined> = {};
      const changing = await TestBroker.start(of(sites));
      const joined = (site?: string) =>
        peer({
          ...{ servers: [`tls://127.0.0.1:${changing.port}`], federation, site, tls: own[site ?? 'coordinator'] },
          capacity: 2 ** 24,
        });
      const center = await joined();
      const hash = await center.putBlob(random(CHUNK), 1);
      await center.publishTask(bytesOf('round 1'));
      const states = center.presence(new AbortController().signal)[Symbol.asyncIterator]();
      const reload = (site: string, subject: string | undefined) => {
        sites[site] = subject;
        return changing.reload(of(sites));
      };
      const takesPart = async (site: NatsTransport, name: string) => {
        for await (const _ of site.watchTasks(new AbortController().signal)) break;
        expect((await site.getBlob(hash, 2 ** 30)).length).toBe(CHUNK);
        await site.putBlob(random(10), 1);
        await site.updateState(name, bytesOf('here'));
        expect((await states.next()).value).toMatchObject({ site: name });
      };
      await reload('first', undefined);
      await reload(names[0], `CN=${names[0]}`);
      const first = await joined(names[0]);
      await takesPart(first, names[0]);
      const events: string[] = [];
      void (async () => {
        for await (const { kind } of first.events(new AbortController().signal)) events.push(kind);
      })();
      for (const name of names.slice(1)) {
        await reload(name, `CN=${name}`);
        if (name === 'late-1' || name === 'late-19') await takesPart(await joined(name), name);
      }
      const gone = await joined('late-1');
      const told = gone.events(new AbortController().signal)[Symbol.asyncIterator]();
      await reload('late-1', undefined);
      expect((await told.next()).value).toEqual({ kind: 'disconnected' });
      await expect(joined('late-1')).rejects.toMatchObject({ code: 'BROKER_REFUSED' });
      await takesPart(first, names[0]);
      expect(events).toEqual([]);
    });

    it('takes no stranger, no other authority, and nobody without a certificate', async () => {
      await expect(as('b', 'stranger')).rejects.toMatchObject({ code: 'BROKER_REFUSED' });
      const other = new Authority().issue('site-b');
      const reached = (tls: TlsFiles) => peer({ servers, federation, site: 'b', tls });
      await expect(reached({ ...files['site-b'], ca: other.ca })).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' });
      await expect(peer({ servers, federation, site: 'b' })).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' });
      chmodSync(other.key, 0o644);
      await expect(reached(other)).rejects.toMatchObject({ code: 'SECRET_EXPOSED' });
      await expect(reached({ ...other, ca: '/no/such/file' })).rejects.toMatchObject({ code: 'CERTIFICATE_MISSING' });
      expect(await Promise.all([files['site-b'], other, undefined].map(answers))).toEqual([true, false, false]);
    });
  });
else describe.skip('a broker that knows its peers by their certificates (skipped: openssl is not installed)', () => {});

/**
 * A site asks for its own state, which is what it likes, and names as the subject of the answer one that it must not reach: the
 * broker publishes the answer itself, and does not check that subject. The second broker has no lists of what sites may do, so
 * their accounts alone hold them.
 */
if (hasOpenssl)
  describe.each([
    ['as it is configured', (text: string) => text],
    [
      'without permissions of sites',
      (text: string) => text.replace(/("CN=[ab]"), permissions: .*/g, (_, subject) => `${subject} }`),
    ],
  ])('a hostile site at a broker %s', (_, change) => {
    describeWithBroker('with an answer that is sent elsewhere', () => {
      const federation = 'hospitals';
      const files: Record<string, TlsFiles> = {};
      let [broker, evil]: [TestBroker, NatsConnection] = [] as never;
      let coordinator: NatsTransport;
      const joined = (site?: string) =>
        peer({
          ...{ servers: [`tls://127.0.0.1:${broker.port}`], federation, site, tls: files[site ?? 'coordinator'] },
          capacity: 2 ** 24,
        });
      beforeAll(async () => {
        const authority = new Authority();
        files.broker = authority.issue('broker', ['IP:127.0.0.1']);
        for (const name of ['coordinator', 'a', 'b']) files[name] = authority.issue(name);
        broker = await TestBroker.start((port, store) =>
          change(
            brokerConfiguration({
              ...{ federation, store, version, tls: files.broker, listen: `127.0.0.1:${port}`, capacity: 2 ** 24 },
              ...{ coordinator: 'CN=coordinator', sites: { a: 'CN=a', b: 'CN=b' } },
            }),
          ),
        );
        coordinator = await joined();
        const { ca, certificate, key } = files.b;
        const servers = [`tls://127.0.0.1:${broker.port}`];
        const tls = { caFile: ca, certFile: certificate, keyFile: key, checkServerIdentity: identityOf(servers) };
        evil = await connect({ servers, tls, inboxPrefix: '_INBOX.graft.hospitals.site.b' });
      });

      const own = '$JS.API.DIRECT.GET.graft-hospitals-state.graft.hospitals.state.b';
      /** Has what the site chooses sent to subjects, in every way that leads to an answer, and says it there itself. */
      const redirect = async (content: string, ...subjects: string[]) => {
        await evil.request('graft.hospitals.state.b', content, { timeout: 5000 });
        for (const reply of subjects) {
          evil.publish(own, '', { reply });
          evil.publish('graft.hospitals.state.b', content, { reply });
          evil.publish('$JS.API.DIRECT.GET.graft-hospitals-task.graft.hospitals.task', '', { reply });
          evil.publish('graft.hospitals.pulse.b', content, { reply });
          evil.publish(reply, content);
        }
        await evil.flush();
        // What the broker does with them comes before the answer to this.
        await evil.request(own, '', { timeout: 5000 });
      };
      const nextOf = async (site: NatsTransport) => {
        for await (const task of site.watchTasks(new AbortController().signal)) return Buffer.from(task).toString();
        return undefined;
      };
      const streams = () => readdirSync(join(broker.store, 'jetstream', 'coordinator', 'streams')).sort();

      it('displaces neither the task, nor a blob, nor what another site said', async () => {
        const bytes = random(3 * CHUNK);
        const hash = await coordinator.putBlob(bytes, 1);
        await coordinator.publishTask(bytesOf('round 1'));
        const a = await joined('a');
        await a.updateState('a', bytesOf('here'));
        const up = await a.putBlob(bytes, 1);
        await redirect(
          'garbage',
          ...['graft.hospitals.task', `graft.hospitals.blob.${hash}.0`, 'graft.hospitals.state.a'],
          `graft.hospitals.update.a.1.${up}.0`,
        );
        const late = await joined('a');
        expect(await nextOf(late)).toBe('round 1');
        expect(Buffer.compare(await late.getBlob(hash, 2 ** 30), bytes)).toBe(0);
        expect(Buffer.compare(await coordinator.getBlob(up, 2 ** 30, { site: 'a', round: 1 }), bytes)).toBe(0);
        const states = coordinator.presence(new AbortController().signal)[Symbol.asyncIterator]();
        const found = [(await states.next()).value].map(({ site, state }) => `${site} ${Buffer.from(state)}`);
        expect(found).toEqual(['a here']); // those of the hostile site have no id
      });

      it('neither empties, removes nor makes a stream', async () => {
        const a = await joined('a');
        const bytes = random(CHUNK + 5);
        const hash = await coordinator.putBlob(bytes, 2);
        const up = await a.putBlob(bytes, 2);
        const before = streams();
        expect(before).toHaveLength(4);
        const api = ['PURGE', 'DELETE'].flatMap((call) =>
          ['task', 'state', 'blob', 'update'].map((kind) => `$JS.API.STREAM.${call}.graft-hospitals-${kind}`),
        );
        await redirect('', ...api);
        const made = { name: 'mine', subjects: ['mine'], storage: 'file', max_bytes: 100 };
        await redirect(JSON.stringify(made), '$JS.API.STREAM.CREATE.mine');
        expect(streams()).toEqual(before);
        expect(readdirSync(join(broker.store, 'jetstream'))).toEqual(['coordinator']);
        expect(Buffer.compare(await a.getBlob(hash, 2 ** 30), bytes)).toBe(0);
        expect(Buffer.compare(await coordinator.getBlob(up, 2 ** 30, { site: 'a', round: 2 }), bytes)).toBe(0);
      });

      it('reads nothing of another site, by a consumer or otherwise', async () => {
        const heard: string[] = [];
        const box = '_INBOX.graft.hospitals.site.b.stolen';
        const ways = [box, ...['state.>', 'update.>', 'pulse.>', 'blob.>'].map((one) => `graft.hospitals.${one}`)];
        for (const subject of [...ways, '_INBOX.graft.hospitals.site.a.>', '_INBOX.graft.hospitals.coordinator.>'])
          evil.subscribe(subject, {
            callback: (error, message) => {
              const kinds = /^graft\.hospitals\.(state|update|pulse)\.b(\.|$)/;
              if (!error && !kinds.test(message.subject)) heard.push(message.subject);
            },
          });
        const a = await joined('a');
        const up = await a.putBlob(random(CHUNK), 3);
        const config = { ack_policy: 'none', deliver_policy: 'all', deliver_subject: box, replay_policy: 'instant' };
        const ask = JSON.stringify({ stream_name: 'graft-hospitals-update', config });
        await redirect(ask, '$JS.API.CONSUMER.CREATE.graft-hospitals-update');
        await a.updateState('a', bytesOf('again'));
        await coordinator.getBlob(up, 2 ** 30, { site: 'a', round: 3 });
        await evil.flush();
        expect(heard).toEqual([]);
        const subject = `graft.hospitals.update.a.3.${up}.0`;
        const direct = `$JS.API.DIRECT.GET.graft-hospitals-update.${subject}`;
        const calls = ['INFO', 'MSG.GET'].map((call) => `$JS.API.STREAM.${call}.graft-hospitals-update`);
        for (const call of [direct, ...calls]) {
          const answer = evil.request(call, JSON.stringify({ last_by_subj: subject }), { timeout: 1000 });
          const text = await answer.then(
            (message) => message.string(),
            () => '',
          );
          if (text !== '') expect(JSON.parse(text).error.description).toMatch(/JetStream not enabled for account/);
        }
      });

      it('is not taken for another coordinator, nor for another site', async () => {
        const pulses: string[] = [];
        void (async () => {
          for await (const { site } of coordinator.pulses(new AbortController().signal)) pulses.push(site);
        })();
        const subjects = ['graft.hospitals.coordinator', 'graft.hospitals.coordinator.x', 'graft.hospitals.pulse.a'];
        const second = await joined();
        const claimed = second.claim('the only one', (other) => new GraftError('OTHER', other, '', 2));
        for (let left = 10; left > 0; left--)
          await redirect('1 another', '_INBOX.graft.hospitals.coordinator.claim', ...subjects);
        await claimed;
        expect(new Set(pulses)).toEqual(new Set(['b']));
      });
    });
  });
else describe.skip('a hostile site (skipped: openssl is not installed)', () => {});

describeWithBroker('what the broker gives', () => {
  let [broker, client]: [TestBroker, NatsConnection] = [] as never;
  beforeAll(async () => {
    broker = await TestBroker.start();
    client = await operator(broker);
  });
  /** A federation of its own, with the coordinator's transport and a site's. */
  async function begin() {
    const options = { servers: [broker.address], federation: newFederation() };
    const [coordinator, site] = [await peer(options), await peer({ ...options, site: 'a' })];
    return { federation: options.federation, coordinator, site };
  }

  it.each<[string, RegExp, (chunk: Uint8Array) => [data: Uint8Array, size: number]]>([
    [
      'with a bit that was turned',
      /were changed on their way/,
      (chunk) => [chunk.with(5, chunk[5] ^ 1), 2 * CHUNK + 9],
    ],
    ['that was cut', /do not fit together/, (chunk) => [chunk.subarray(1), 2 * CHUNK + 9]],
    ['of another size', /do not fit together/, (chunk) => [chunk, 3 * CHUNK]],
  ])('is refused with a chunk %s', async (_, reason, forged) => {
    const { federation, coordinator, site } = await begin();
    const bytes = random(2 * CHUNK + 9);
    const hash = await coordinator.putBlob(bytes, 1);
    await forge(client, `graft.${federation}.blob.${hash}.1`, ...forged(bytes.subarray(CHUNK, 2 * CHUNK)));
    await expect(site.getBlob(hash, 2 ** 30)).rejects.toMatchObject({
      code: 'PAYLOAD_INVALID',
      message: expect.stringMatching(reason),
    });
  });

  it('is bounded: a blob that claims to be larger than what is needed is refused at its first chunk', async () => {
    const { federation, coordinator, site } = await begin();
    await coordinator.putBlob(random(10)); // the stream is there
    const hash = hashOf(random(10));
    const claim = (size: number) => forge(client, `graft.${federation}.blob.${hash}.0`, random(10), size);
    await claim(2 ** 40);
    await expect(site.getBlob(hash, 2 ** 30)).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' });
    await claim(2 ** 30); // which is no reason to take memory: a single chunk is there
    const before = process.memoryUsage().arrayBuffers;
    await expect(site.getBlob(hash, 2 ** 30)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 28);
    await claim(-1);
    await expect(site.getBlob(hash, 2 ** 30)).rejects.toMatchObject({ code: 'PAYLOAD_INVALID' });
    await expect(coordinator.publishTask(random(2 ** 20))).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  });

  it('is not heard where it is no site’s state', async () => {
    const { federation, coordinator } = await begin();
    const states = coordinator.presence(new AbortController().signal)[Symbol.asyncIterator]();
    for (const token of ['=zz', '=2e=2e', '=61', 'ä']) client.publish(`graft.${federation}.state.${token}`, 'x');
    client.publish(`graft.${federation}.state.a`, 'without an id');
    await client.flush();
    await coordinator.updateState('b', bytesOf('here'));
    expect((await states.next()).value).toMatchObject({ site: 'b' });
  });
});

describe('an address', () => {
  const federation = 'test';
  const tls = { ca: 'ca.pem', certificate: 'site.pem', key: 'site.key' };
  it.each<[string, string[], object, string]>([
    ['is missing', [], {}, 'BROKER_ADDRESS_INVALID'],
    ['is none', ['broker.example'], {}, 'BROKER_ADDRESS_INVALID'],
    ['has an unknown scheme', ['https://broker.example'], {}, 'BROKER_ADDRESS_INVALID'],
    ['is mixed with another kind', ['tls://127.0.0.1', 'ws://127.0.0.1'], {}, 'BROKER_ADDRESS_INVALID'],
    ['has a proxy that it cannot use', ['tls://127.0.0.1'], { proxy: 'http://proxy:3128' }, 'BROKER_ADDRESS_INVALID'],
    ['leads to another machine without encryption', ['nats://192.0.2.1:4222'], {}, 'BROKER_INSECURE'],
    ['leads there over a plain WebSocket', ['ws://192.0.2.1'], { tls }, 'BROKER_INSECURE'],
    ['has no files for encryption', ['tls://192.0.2.1:4222'], { tls }, 'CERTIFICATE_MISSING'],
  ])('that %s is refused before anything is sent', async (_, servers, others, code) => {
    await expect(peer({ servers, federation, ...others })).rejects.toMatchObject({ code });
  });

  it('where nobody listens is named with the reason', async () => {
    const servers = [`nats://127.0.0.1:${await freePort()}`];
    await expect(peer({ servers, federation })).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ \(connection refused/),
    });
  });

  it('of a federation without a usable name is not even tried', async () => {
    await expect(peer({ servers: ['nats://127.0.0.1'], federation: 'a.b' })).rejects.toMatchObject({
      code: 'FEDERATION_NAME_INVALID',
    });
  });
});

describe('a configuration', () => {
  const tls = { ca: '/etc/graft/ca.pem', certificate: '/etc/graft/broker.pem', key: '/etc/graft/broker.key' };
  const options = {
    ...{ federation: 'test', coordinator: 'CN=coordinator,O=Klinik', sites: { a: 'CN=a' }, listen: '0.0.0.0:4222' },
    ...{ tls, store: '/var/lib/nats', webSocket: '0.0.0.0:443' },
  };

  it('writes through to the disk where the version can', () => {
    expect(brokerConfiguration({ ...options, version: '2.9.10' })).not.toContain('sync_interval');
    for (const known of ['2.10.26', '2.15.1']) {
      expect(brokerConfiguration({ ...options, version: known })).toContain('sync_interval: always');
    }
  });

  it.each(['2.8.4', '2.10.20', '2.10.22'])('is not made for version %s', (unsuited) => {
    expect(() => brokerConfiguration({ ...options, version: unsuited })).toThrow(
      expect.objectContaining({ code: 'BROKER_UNSUITED' }),
    );
  });

  it.each(['', 'CN="x"', 'CN=x\n}', 'a\\b'])('is not made with the text %j', (coordinator) => {
    expect(() => brokerConfiguration({ ...options, coordinator, version: '2.12.0' })).toThrow(
      expect.objectContaining({ code: 'BROKER_SETTING_INVALID' }),
    );
  });

  it('gives each site an account, in which it stays when one before it has gone', () => {
    const of = (sites: Record<string, string | undefined>) =>
      brokerConfiguration({ ...options, sites, version: '2.12.6' });
    const accountOf = (text: string, subject: string) =>
      text
        .slice(0, text.indexOf(`"${subject}"`))
        .match(/"site-\d+": /g)
        ?.at(-1);
    const [both, one] = [of({ a: 'CN=a', b: 'CN=b' }), of({ a: undefined, b: 'CN=b' })];
    expect(accountOf(both, 'CN=a')).not.toBe(accountOf(both, 'CN=b'));
    expect(accountOf(one, 'CN=b')).toBe(accountOf(both, 'CN=b'));
    expect(one).not.toMatch(/CN=a"|\.a[."]/);
  });

  it('gives sites no right that reaches beyond their own subjects', () => {
    const { publish, subscribe } = permissionsOf('test', 'a');
    expect(subscribe).toEqual(['graft.test.task', 'graft.test.pulse.a', '_INBOX.graft.test.site.a.>']);
    expect(publish.filter((subject) => !subject.startsWith('$JS.'))).toEqual([
      'graft.test.state.a',
      'graft.test.update.a.>',
      'graft.test.pulse.a',
    ]);
    const calls = publish
      .filter((subject) => subject.startsWith('$JS.'))
      .map((subject) => subject.split('graft-test-')[0]);
    expect(new Set(calls)).toEqual(new Set(['$JS.API.DIRECT.GET.']));
  });
});

describeWithBroker('the installed nats-server', () => {
  it('takes the configuration', () => {
    const folder = newFolder();
    const tls = hasOpenssl ? new Authority().issue('broker') : undefined;
    if (!tls) return;
    const text = brokerConfiguration({
      ...{ federation: 'test', coordinator: 'CN=coordinator', sites: { a: 'CN=a' }, version, tls, store: folder },
      ...{ listen: '127.0.0.1:4222', webSocket: '127.0.0.1:4443' },
    });
    writeFileSync(join(folder, 'broker.conf'), text);
    const checked = spawnSync(process.env.NATS_SERVER ?? 'nats-server', ['-t', '-c', join(folder, 'broker.conf')], {
      encoding: 'utf8',
    });
    expect(checked.stderr).toMatch(/is valid/);
  });
});
