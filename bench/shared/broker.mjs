/** A real broker for benchmarks: nats-server (or `NATS_SERVER`) on loopback, with a folder and a port of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const server = process.env.NATS_SERVER ?? 'nats-server';

/**
 * @param {(at: { port: number, store: string, folder: string, version: string }) => string} configure makes the text of the
 * configuration file
 */
export async function startBroker(configure) {
  const folder = mkdtempSync(join(tmpdir(), 'graft-broker-'));
  const version = /v(\d\S*)/.exec(execFileSync(server, ['--version'], { encoding: 'utf8' }))[1];
  const [port, store] = [await freePort(), join(folder, 'store')];
  mkdirSync(store);
  writeFileSync(join(folder, 'broker.conf'), configure({ port, store, folder, version }));
  const child = spawn(server, ['-c', join(folder, 'broker.conf'), '-l', join(folder, 'log')], { stdio: 'ignore' });
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`nats-server ended; its log is in ${folder}`);
    await setTimeout(50);
  }
  return {
    ...{ port, version },
    /** Seconds of processor time that it has taken; Linux alone. */
    processorTime() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    async stop() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
  probe.close();
  await once(probe, 'close');
  return port;
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    socket.once('data', () => resolve(!socket.destroy().connecting));
    socket.once('error', () => resolve(false));
  });
