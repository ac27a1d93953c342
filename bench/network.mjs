/**
 * Federations over a real broker on this machine, sealed, with sites that train nothing, and lines as good or bad as asked:
 *
 *   npm run -s build && node bench/network.mjs [--only link,overhead,bytes,sites] [--sites 100] [--rounds 2]
 *
 * Every benchmark prints one line of JSON. Needs nats-server (or `NATS_SERVER`).
 *
 * - `link`: an update of 1.9 MB over 2 Mbit/s with 100 ms ± 50 each way. The line is cut in the middle of the upload: the
 *   share of bytes that were sent again, median and largest of nine uploads.
 * - `overhead`: seconds of a round of three sites that share the coordinator's process, medians of ten.
 * - `bytes`: bytes on the lines beside those that the coordinator counts, a site and three rounds.
 * - `sites`: so many sites in four processes with updates of 7.4 MB: seconds of a round, processor time for each site and
 *   round, and how much the coordinator's process grew; the goal is the global state, two updates and 100 MB.
 */
import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, randomFillSync } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  Coordinator,
  FederatedSite,
  federationSchema,
  folderStore,
  inWorker,
  natsTransport,
  sealedCoordinator,
  sealedSite,
} from '../dist/federate/index.js';
import { merge, Turns } from '../dist/federate/streams.js';
import { setThreads, zeros } from '../dist/torch/index.js';
import { faultProxy } from '../test/federate/nats/fault-proxy.mjs';
import { startBroker } from './shared/broker.mjs';
import { flapSam } from './shared/flap-sam.mjs';
import { idle } from './shared/idle.mjs';

setThreads(1);
const CAPACITY = 2 ** 34;
/** Shapes of what travels: of the plan `flap-sam`, 7.4 MB, and of next to nothing. */
const large = [...flapSam()];
const small = [['head.bias', [76]]];
const sizeOf = (shapes) =>
  shapes.reduce((sum, [, shape]) => sum + 4 * shape.reduce((product, size) => product * size), 0);

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const rounded = (value, digits = 4) => Number(value.toPrecision(digits));
const say = (name, found) => console.log(JSON.stringify({ name, ...found }));

const stateOf = (shapes) =>
  new Map(
    shapes.map(([name, shape]) => {
      const value = zeros(shape);
      value.fill_(0.1);
      return [name, value.keep()];
    }),
  );

/** Keys of a federation: of the coordinator, and of so many sites; text that can be given to another process. */
function parties(count) {
  const pair = () => {
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    const own = privateKey.export({ type: 'pkcs8', format: 'pem' });
    return { own, known: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') };
  };
  const sites = Object.fromEntries(Array.from({ length: count }, (_, k) => [`site-${k}`, pair()]));
  return { federation: 'bench', coordinator: pair(), sites };
}

/** @type {import('../dist/federate/index.js').NatsTransport[]} */
const open = [];
const connected = async (options) => {
  const carrier = await natsTransport(options);
  open.push(carrier);
  return carrier;
};
const disconnect = () => Promise.all(open.splice(0).map((carrier) => carrier[Symbol.asyncDispose]()));

/** @param {ReturnType<typeof parties>} all */
async function coordinatorOf(all, { address, folder, shapes, config }) {
  const { federation, coordinator, sites } = all;
  const carrier = await connected({
    ...{ servers: [address], federation, capacity: CAPACITY, patience: 600 },
    blobs: folderStore(join(folder, 'sent'), { durable: false }),
  });
  const known = Object.fromEntries(Object.entries(sites).map(([name, pair]) => [name, pair.known]));
  return new Coordinator({
    ...{ folder: join(folder, 'coordinator'), plan: 'none', base: 'none', initial: stateOf(shapes) },
    ...{ config: federationSchema.parse({ aggregation: 'mean', ...config }), computation: inWorker },
    sites: Object.keys(sites),
    transport: sealedCoordinator(carrier, { federation, key: createPrivateKey(coordinator.own), sites: known }),
  });
}

/** Sites of these names, which take turns, as generators of events. */
function sitesOf(names, all, { address, folder, shapes, key }) {
  const { federation, coordinator, sites } = all;
  const trainer = idle(stateOf(shapes));
  const turns = new Turns();
  const signal = new AbortController().signal;
  setMaxListeners(0, signal);
  return Promise.all(
    names.map(async (name) => {
      const carrier = await connected({
        ...{ servers: [address], federation, site: name, patience: 600 },
        blobs: folderStore(join(folder, name, 'sent'), { durable: false }),
      });
      const own = createPrivateKey(sites[name].own);
      const transport = sealedSite(carrier, { federation, site: name, key: own, coordinator: coordinator.known });
      const store = folderStore(join(folder, name, 'own'), { durable: false });
      return new FederatedSite({ name, trainer, transport, turns, store, coordinator: key }).run(signal);
    }),
  );
}

/** Runs a federation in this process; the events `aggregated`, with the seconds since the one before. */
async function roundsOf({ count, shapes, config, port, addresses = {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'graft-network-'));
  const address = `nats://127.0.0.1:${port}`;
  try {
    const all = parties(count);
    const coordinator = await coordinatorOf(all, { address, folder, shapes, config });
    const joining = { address: addresses.site ?? address, folder, shapes, key: coordinator.publicKey };
    const sites = await sitesOf(Object.keys(all.sites), all, joining);
    const end = new AbortController();
    const rounds = [];
    let last = performance.now();
    for await (const event of merge([coordinator.run(end.signal), ...sites])) {
      if (event.kind === 'finished') break;
      if (event.kind !== 'aggregated') continue;
      const now = performance.now();
      rounds.push({ seconds: (now - last) / 1000, up: event.up, down: event.down });
      last = now;
    }
    end.abort();
    return rounds;
  } finally {
    await disconnect();
    rmSync(folder, { recursive: true, force: true });
  }
}

const plain = ({ port, store }) =>
  `listen: "127.0.0.1:${port}"\njetstream: { store_dir: "${store}", max_file_store: ${2 * CAPACITY} }\n`;

/** @param {(broker: Awaited<ReturnType<typeof startBroker>>) => Promise<void>} work */
async function withBroker(work) {
  const broker = await startBroker(plain);
  try {
    await work(broker);
  } finally {
    await disconnect();
    await broker.stop();
  }
}

const link = () =>
  withBroker(async ({ port }) => {
    const bytes = randomFillSync(new Uint8Array(1_900_000));
    /** Bytes on the line, and seconds. */
    const upload = async (federation, faults) => {
      await connected({ servers: [`nats://127.0.0.1:${port}`], federation, capacity: 2 ** 26 }); // which makes the streams
      const line = await faultProxy(port, faults);
      const site = await connected({ servers: [line.address], federation, site: 'a' });
      const started = performance.now();
      await site.putBlob(bytes, 1);
      const seconds = (performance.now() - started) / 1000;
      await disconnect();
      line.close();
      if (line.happened.length !== (faults.most ?? 0)) throw new Error('the line was not cut');
      return { seconds, up: line.up };
    };
    const good = await upload('good', {});
    const found = [];
    for (let seed = 0; seed < 9; seed++) {
      const middle = [0.2 * bytes.length, 0.8 * bytes.length];
      const faults = { seed, kinds: ['cut'], after: middle, most: 1, delay: [50, 150], rate: 250_000 };
      found.push(await upload(`bad-${seed}`, faults));
    }
    const again = found.map(({ up }) => (up - good.up) / bytes.length);
    say('link', {
      ...{ bytes: bytes.length, seconds: rounded(median(found.map(({ seconds }) => seconds))) },
      ...{ sentAgain: rounded(median(again)), sentAgainAtMost: rounded(Math.max(...again)) },
    });
  });

const overhead = async () => {
  for (const shapes of [small, large])
    await withBroker(async ({ port }) => {
      const rounds = await roundsOf({ count: 3, shapes, config: { rounds: 11 }, port });
      const seconds = rounds.slice(1).map((round) => round.seconds);
      say('overhead', { sites: 3, bytes: sizeOf(shapes), seconds: rounded(median(seconds), 3) });
    });
};

const bytes = async () => {
  for (const wire of ['fp32', 'int8'])
    await withBroker(async ({ port }) => {
      const line = await faultProxy(port, {});
      const addresses = { site: line.address };
      const rounds = await roundsOf({ count: 1, shapes: large, config: { rounds: 3, wire }, port, addresses });
      line.close();
      const counted = (way) => rounds.reduce((sum, round) => sum + round[way], 0);
      say('bytes', {
        wire,
        ...{ down: line.down, downToCounted: rounded(line.down / counted('down')) },
        ...{ up: line.up, upToCounted: rounded(line.up / counted('up')) },
      });
    });
};

/** A process of this file. @returns its lines, parsed */
async function* child(part, file) {
  const program = [fileURLToPath(import.meta.url), '--part', part, '--file', file];
  const running = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(running, 'exit');
  for await (const line of createInterface(running.stdout)) yield JSON.parse(line);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the part ${part} ended with ${code}`);
}

/** Seconds of processor time that this process has taken. */
const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const sites = (count, rounds) =>
  withBroker(async ({ port, processorTime: brokers }) => {
    const folder = mkdtempSync(join(tmpdir(), 'graft-network-'));
    const file = join(folder, 'parties.json');
    const shared = { all: parties(count), address: `nats://127.0.0.1:${port}`, folder, shapes: large, rounds };
    const write = (more) => writeFileSync(file, JSON.stringify({ ...shared, ...more }), { mode: 0o600 });
    write({});
    try {
      const coordinator = child('coordinator', file);
      const { key } = (await coordinator.next()).value;
      write({ key });
      const members = [0, 1, 2, 3].map(async (k) => {
        for await (const { took } of child(`sites-${k}`, file)) return took;
      });
      const { took, ...found } = (await coordinator.next()).value;
      const each = (seconds) => rounded(seconds / count / rounds, 2);
      const all = (await Promise.all(members)).reduce((sum, one) => sum + one);
      const processor = { coordinator: each(took), sites: each(all), broker: each(brokers()) };
      say('sites', { sites: count, bytes: sizeOf(large), ...found, processor });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

const parts = {
  async coordinator({ all, rounds, ...options }) {
    const before = process.memoryUsage().rss;
    const coordinator = await coordinatorOf(all, { ...options, config: { rounds } });
    const begun = processorTime();
    console.log(JSON.stringify({ key: coordinator.publicKey }));
    const seconds = [];
    let last = 0;
    for await (const { kind } of coordinator.run(new AbortController().signal)) {
      if (kind === 'round') last = performance.now();
      if (kind === 'aggregated') seconds.push((performance.now() - last) / 1000);
    }
    const grown = (process.resourceUsage().maxRSS * 1024 - before) / 1e6;
    const goal = (3 * sizeOf(large)) / 1e6 + 100;
    const took = processorTime() - begun;
    console.log(
      JSON.stringify({
        ...{ secondsARound: rounded(median(seconds), 3), grownMB: rounded(grown), goalMB: rounded(goal), took },
      }),
    );
  },
  async sites({ all, ...options }, part) {
    const names = Object.keys(all.sites).filter((_, k) => k % 4 === part);
    const members = await sitesOf(names, all, options);
    const begun = processorTime();
    for await (const _ of merge(members));
    console.log(JSON.stringify({ took: processorTime() - begun }));
  },
};

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'link,overhead,bytes,sites' },
    sites: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '2' },
    part: { type: 'string' },
    file: { type: 'string' },
  },
});
if (values.part) {
  const [part, k] = values.part.split('-');
  await parts[part](JSON.parse(readFileSync(values.file, 'utf8')), Number(k));
  process.exit(0);
}
const all = { link, overhead, bytes, sites: () => sites(Number(values.sites), Number(values.rounds)) };
for (const name of values.only.split(',')) await all[name]();
process.exit(0);
