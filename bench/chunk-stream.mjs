/**
 * A blob through a broker under mutual TLS: graft's chunks against the object store of the client (`@nats-io/obj`), and
 * against what the client and the broker can do at all: bare messages of a chunk's size, which nobody keeps (`line`) or which
 * a stream on the disk keeps (`messages`), neither hashed nor put together. Needs nats-server (or `NATS_SERVER`) and openssl;
 * everything stays on this machine.
 *
 *   npm run -s build && node bench/chunk-stream.mjs [--megabytes 200] [--repeat 5]
 *
 * Each transfer is a process of its own. `memory` is its peak beyond what it held before and the blob itself; `processor` the
 * seconds of processor time for a GB, which depend less on what else the machine does than the speed. docs/results.md has the
 * figures.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { brokerConfiguration, natsTransport } from '../dist/federate/index.js';
import { inLanes } from '../dist/federate/streams.js';
import { startBroker } from './shared/broker.mjs';

const federation = 'bench';

/** In the child: one transfer. @param {{ way: string, method: string, bytes: number, hash?: string, address: string, tls: object }} job */
async function transfer({ way, method, bytes, hash, address, tls }) {
  const payload = way === 'put' ? randomFillSync(new Uint8Array(bytes)) : undefined;
  const ready =
    method === 'chunks'
      ? await overChunks(address, tls, way, bytes)
      : method === 'objects'
        ? await overObjects(address, tls)
        : await overMessages(address, tls, bytes, method === 'messages');
  const digest = payload && createHash('sha256').update(payload).digest('hex');
  globalThis.gc();
  const before = process.memoryUsage().rss;
  const [started, begun] = [performance.now(), process.cpuUsage()];
  const got = payload ? await ready.put(payload, digest) : await ready.get(hash);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(begun);
  const peak = process.resourceUsage().maxRSS * 1024;
  if (got && createHash('sha256').update(got).digest('hex') !== hash) throw new Error('other bytes came back');
  const memory = peak - before - (got ? bytes : 0);
  console.log(JSON.stringify({ seconds, memory, processor: (user + system) / 1e6, hash: digest }));
  process.exit(0);
}

/** The coordinator puts, a site gets. */
async function overChunks(address, tls, way, bytes) {
  const site = way === 'put' ? undefined : 'a';
  const transport = await natsTransport({ servers: [address], federation, site, tls: tls[site ?? 'coordinator'] });
  return {
    put: async (payload) => void (await transport.putBlob(payload, 1)),
    get: (hash) => transport.getBlob(hash, bytes),
  };
}

async function operator(address, tls) {
  const { connect } = await import('@nats-io/transport-node');
  const { ca, certificate, key } = tls.operator;
  return connect({ servers: address, tls: { caFile: ca, certFile: certificate, keyFile: key } });
}

/** Messages of a chunk's size, as many at a time as chunks. @param kept whether a stream keeps them */
async function overMessages(address, tls, bytes, kept) {
  const { jetstream, jetstreamManager } = await import('@nats-io/jetstream');
  const client = await operator(address, tls);
  const [size, lanes] = [768 * 1024, 16];
  const numbers = Array.from({ length: Math.ceil(bytes / size) }, (_, k) => k);
  const manager = await jetstreamManager(client, { timeout: 120_000 });
  if (kept)
    await manager.streams.add({
      ...{ name: 'messages', subjects: ['messages.*'], storage: 'file', max_msgs_per_subject: 1, allow_direct: true },
    });
  const stream = jetstream(client, { timeout: 120_000 });
  const publish = async (subject, data, k) => {
    if (kept) return stream.publish(subject, data);
    client.publish(subject, data);
    if (k % lanes === lanes - 1) await client.flush();
  };
  return {
    async put(payload) {
      await inLanes(numbers, kept ? lanes : 1, (k) =>
        publish(`messages.${k}`, payload.subarray(k * size, (k + 1) * size), k),
      );
      await client.flush();
    },
    async get() {
      await inLanes(numbers, lanes, (k) => manager.direct.getMessage('messages', { last_by_subj: `messages.${k}` }));
    },
  };
}

async function overObjects(address, tls) {
  const { Objm } = await import('@nats-io/obj');
  const client = await operator(address, tls);
  const store = await new Objm(client).create('bench');
  return {
    put: async (payload, hash) => void (await store.putBlob({ name: hash }, payload)),
    get: (hash) => store.getBlob(hash),
  };
}

async function main() {
  const { values } = parseArgs({
    options: { megabytes: { type: 'string', default: '200' }, repeat: { type: 'string', default: '5' } },
  });
  const [bytes, repeat] = [Number(values.megabytes) * 1e6, Number(values.repeat)];
  const folder = mkdtempSync(join(tmpdir(), 'graft-chunks-'));
  let broker;
  try {
    const tls = certificates(folder);
    broker = await startBroker((at) => configurationOf(tls, at));
    const address = `tls://127.0.0.1:${broker.port}`;
    console.log(`nats-server ${broker.version}, mutual TLS, ${values.megabytes} MB, medians of ${repeat}`);
    /** @type {Record<string, { seconds: number, memory: number, processor: number, broker: number }[]>} */
    const found = {};
    const hashes = {};
    // They take turns, so that whatever else the machine does concerns both.
    for (const way of ['put', 'get'])
      for (let k = 0; k < repeat; k++)
        for (const method of ['chunks', 'objects', 'messages', ...(way === 'put' ? ['line'] : [])]) {
          const before = broker.processorTime();
          const result = inChild({ way, method, bytes, hash: hashes[method], address, tls });
          result.broker = broker.processorTime() - before;
          hashes[method] = result.hash ?? hashes[method];
          found[`${method} ${way}`] = [...(found[`${method} ${way}`] ?? []), result];
        }
    const speed = (what) => bytes / 1e6 / median(found[what].map(({ seconds }) => seconds));
    for (const [what, results] of Object.entries(found)) {
      const memory = median(results.map((one) => one.memory)) / 1e6;
      const [fastest, slowest] = [Math.min, Math.max].map((one) => one(...results.map(({ seconds }) => seconds)));
      const range = `${(bytes / 1e6 / slowest).toFixed(0)} to ${(bytes / 1e6 / fastest).toFixed(0)}`;
      const [own, brokers] = ['processor', 'broker'].map((whose) =>
        (median(results.map((one) => one[whose])) / (bytes / 1e9)).toFixed(1),
      );
      console.log(
        `${what.padEnd(12)}  ${speed(what).toFixed(0)} MB/s (${range})   memory ${memory.toFixed(0)} MB   ` +
          `processor ${own} s/GB, the broker's ${brokers}`,
      );
    }
    const ratio = (way) => (speed(`chunks ${way}`) / speed(`objects ${way}`)).toFixed(1);
    console.log(`chunks are ${ratio('put')} times as fast to put and ${ratio('get')} times as fast to get`);
  } finally {
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

function inChild(job) {
  const args = ['--expose-gc', fileURLToPath(import.meta.url), 'transfer', JSON.stringify(job)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** An authority, and what it signed for the broker and three peers. */
function certificates(folder) {
  const file = (name) => join(folder, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  const fresh = (name) => {
    openssl('ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', file(`${name}.key`));
    chmodSync(file(`${name}.key`), 0o600);
    return ['-new', '-key', file(`${name}.key`), '-subj', `/CN=${name}`];
  };
  openssl('req', '-x509', ...fresh('ca'), '-days', '2', '-out', file('ca.pem'));
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const issue = (name) => {
    openssl('req', ...fresh(name), '-out', file(`${name}.csr`));
    const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('names')];
    openssl('x509', '-req', '-in', file(`${name}.csr`), ...signed, '-days', '2', '-out', file(`${name}.pem`));
    return { ca: file('ca.pem'), certificate: file(`${name}.pem`), key: file(`${name}.key`) };
  };
  return Object.fromEntries(['broker', 'coordinator', 'a', 'operator'].map((name) => [name, issue(name)]));
}

/** The configuration that graft makes, and one more user, who may do everything: the object store's. */
function configurationOf(tls, { port, store, version }) {
  const text = brokerConfiguration({
    ...{ federation, version, store, tls: tls.broker, listen: `127.0.0.1:${port}` },
    ...{ coordinator: 'CN=coordinator', sites: { a: 'CN=a' } },
  });
  return text.replace('users: [', 'users: [\n    { user: "CN=operator" }');
}

if (process.argv[2] === 'transfer') await transfer(JSON.parse(process.argv[3]));
else await main();
