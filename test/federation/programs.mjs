/**
 * A study's programs as real processes on one machine, for tests and for `bench/faults`: coordinator, sites and broker, each
 * of which can be killed and is started again.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const dist = new URL('../../dist/', import.meta.url);
const cli = fileURLToPath(new URL('cli/main.js', dist));

export const scanners = { 'site-a': 'siemens-t1', 'site-b': 'philips-t2' };

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const recipe = (rounds) => `
title: Two hospitals, on phantoms
data: { phantom: { seed: 1, scanners: [siemens-t1, philips-t2], cases: 3, spacing: 8 } }
classes: [brain]
sites: [siemens-t1, philips-t2]
split: { train: 2, validation: 0, test: 1 }
seeds: [1]
model: { architecture: sam-tiny, imageSize: 32, pretrain: { steps: 2, batch: 2, epoch: 2 } }
preprocessing: { axis: axial, spacing: 8 }
windows: { slices: 3 }
adapter: { rank: 2 }
plans: [flap-sam]
regimes: [federated]
training: { batch: 2, lr: 5.0e-3, warmup: 10, overlap: false, augmentation: null }
federation: { rounds: ${rounds} }
threads: 1
`;

/** A study with its kits and data, not begun. */
export async function makeStudy(folder, { rounds = 3 } = {}) {
  const { createFederation, requestAdmission, readRequest, admitSite, textOf } = await import(
    new URL('federation/index.js', dist)
  );
  const { runToEnd } = await import(new URL('core/index.js', dist));
  const { generatePhantoms } = await import(new URL('data/index.js', dist));
  mkdirSync(folder, { recursive: true });
  const at = (...path) => join(folder, ...path);
  generatePhantoms(at('data'), { seed: 1, scanners: Object.values(scanners), cases: 3, spacing: 8 });
  writeFileSync(at('recipe.yaml'), recipe(rounds));
  const address = `tls://127.0.0.1:${await freePort()}`;
  writeFileSync(at('study.yaml'), `name: phantoms\nrecipe: recipe.yaml\nbroker: { addresses: ["${address}"] }\n`);
  await runToEnd(createFederation(at('study.yaml'), at('fed')));
  for (const site of Object.keys(scanners)) {
    await requestAdmission(site, { folder: at(site), out: at(`${site}.request`) });
    writeFileSync(at(site, 'policy.yaml'), 'minCases: 1\nthreads: 1\n');
    const kit = await admitSite(at('fed'), await readRequest(at(`${site}.request`)));
    writeFileSync(at(`${site}.kit`), textOf(kit));
  }
}

const running = new Set();
const networks = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const network of networks) network.kill('broker');
});

/** A program of graft; `ended` gives its exit code, null where it was killed. */
export class Program {
  output = '';
  constructor(folder, args) {
    this.child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        this.output += text;
      });
    this.ended = once(this.child, 'close').then(([code]) => {
      running.delete(this.child);
      return code;
    });
  }
  /** Resolves when the output matches; throws if the program ends first. */
  async says(pattern) {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    while (!pattern.test(this.output)) {
      if (over) throw new Error(`it ended without ${pattern}:\n${this.output}`);
      await setTimeout(20);
    }
  }
}

/** The programs of a study in a folder that `makeStudy` made. */
export class Network {
  constructor(made, folder) {
    if (made !== folder) cpSync(made, folder, { recursive: true });
    this.folder = folder;
    this.programs = new Map();
    networks.add(this);
  }

  graft(...args) {
    return new Program(this.folder, args);
  }

  start(name, ...options) {
    const program =
      name === 'coordinator'
        ? this.graft('coordinator', 'run', 'fed', '--with-broker', ...options)
        : this.graft(
            'site',
            'run',
            `${name}.kit`,
            '--data',
            join('data', scanners[name]),
            '--device',
            'cpu',
            ...options,
          );
    this.programs.set(name, program);
    return program;
  }

  /** Resolves when what a program says matches, also one that is started later. */
  async says(name, pattern) {
    while (!pattern.test(this.programs.get(name)?.output ?? '')) await setTimeout(20);
  }

  /** Runs a program to its end, and again whenever it was killed. */
  async keep(name) {
    for (;;) {
      const program = this.start(name);
      const code = await program.ended;
      if (code === 0) return;
      if (code !== null) throw new Error(`${name} ended with ${code}:\n${program.output}`);
    }
  }

  /** Runs all of them to their ends. */
  keepAll() {
    return Promise.all(['coordinator', ...Object.keys(scanners)].map((name) => this.keep(name)));
  }

  get brokerProcess() {
    const file = join(this.folder, 'fed', 'broker', 'pid');
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  }

  /** Kills a program as a crash would; with the broker its store may be lost. */
  kill(name, { wiped = false } = {}) {
    try {
      if (name !== 'broker') this.programs.get(name)?.child.kill('SIGKILL');
      else if (this.brokerProcess) process.kill(this.brokerProcess, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
    if (wiped) rmSync(join(this.folder, 'fed', 'broker', 'store'), { recursive: true, force: true });
  }

  /** Ends everything. */
  async stop() {
    const programs = [...this.programs.values()];
    for (const { child } of programs) child.kill('SIGTERM');
    await Promise.all(programs.map(({ ended }) => ended));
  }

  /** SHA-256 of all that the rounds led to: the global state, and the adapters of coordinator and sites. */
  result() {
    const files = ['fed/result/global.safetensors', 'fed/result/adapter.safetensors'];
    const all = [...files, ...Object.keys(scanners).map((site) => `${site}/adapter.safetensors`)];
    return Object.fromEntries(
      all.map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(this.folder, file)))
          .digest('hex'),
      ]),
    );
  }
}

/** Kills at random moments while the programs run. @returns how often each was killed */
export async function killAtRandom(network, { kills, random = Math.random, until = () => false, told }) {
  const names = ['coordinator', 'broker', ...Object.keys(scanners)];
  const counts = Object.fromEntries(names.map((name) => [name, 0]));
  for (let i = 0; i < kills; i++) {
    await setTimeout(300 + random() * 1700);
    if (until()) break;
    const name = names[Math.floor(random() * names.length)];
    counts[name]++;
    network.kill(name);
    told?.(name, i);
  }
  return counts;
}
