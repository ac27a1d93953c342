/** The files in `deploy/`: units that systemd takes, compose files and container files that say what they should. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { writeBroker } from '../../src/federation/deployment.js';
import { studySettingsSchema } from '../../src/federation/study-settings.js';
import { root } from '../child.js';
import { newFolder } from '../new-folder.js';

const folder = join(root, 'deploy');
const files = readdirSync(folder);
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const units = files.filter((name) => name.endsWith('.service'));

/** Keys by section; a key may be there more than once. */
function sectionsOf(text: string): Record<string, Record<string, string[]>> {
  const sections: Record<string, Record<string, string[]>> = {};
  let section = '';
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    if (header) {
      section = header;
      sections[section] = {};
      continue;
    }
    const [, key, value] = /^(\w+)=(.+)$/.exec(line) ?? [];
    if (!key) throw new Error(`no key and value: ${line}`);
    sections[section][key] = [...(sections[section][key] ?? []), value];
  }
  return sections;
}

describe.each(units)('%s', (name) => {
  const { Unit, Service, Install } = sectionsOf(read(name));

  it('starts a program as a user without rights, in a folder of its own, and starts it again after a crash', () => {
    expect(Unit.Description[0]).toMatch(/graft federation|Receiver of graft/);
    expect(Service.User).toEqual(['graft']);
    expect(Service.ExecStart[0]).toMatch(/^\/usr\/bin\/env (graft|nats-server) /);
    expect(Service.Restart[0]).toMatch(/^(always|on-failure)$/);
    expect(Service).toMatchObject({ NoNewPrivileges: ['true'], ProtectSystem: ['strict'] });
    expect(Install.WantedBy).toEqual(['multi-user.target']);
  });
});

it('systemd takes the units', ({ skip }) => {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0) skip('there is no systemd-analyze here');
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...units.map((name) => join(folder, name))], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it.each([
  [['tls://broker.example.org'], 'listen: "0.0.0.0:4222"', undefined],
  [['wss://broker.example.org', 'tls://[2001:db8::1]:5222'], 'listen: "0.0.0.0:5222"', 'listen: "0.0.0.0:443"'],
  [['tls://[::1]:4300'], 'listen: "[::1]:4300"', undefined],
  [['wss://localhost:8443'], 'listen: "127.0.0.1:4222"', 'listen: "localhost:8443"'],
])('the broker of %s listens where peers reach it', (addresses, plain, web) => {
  const fed = newFolder();
  writeBroker(
    fed,
    studySettingsSchema.parse({ name: 'brain', recipe: 'r', broker: { addresses, version: '2.12.6' } }),
    [],
  );
  const text = readFileSync(join(fed, 'broker', 'nats.conf'), 'utf8');
  expect(text).toContain(`\n${plain}\n`);
  expect(/websocket: \{\n {2}(listen.*)/.exec(text)?.[1]).toBe(web);
  expect(text).toContain('sync_interval: always');
});

it('broker and coordinator run in containers, of which the broker alone opens ports', () => {
  const { services } = parse(read('compose.yaml'));
  expect(Object.keys(services)).toEqual(['broker', 'coordinator']);
  expect(services.broker).toMatchObject({
    image: expect.stringMatching(/^nats:\d+\.\d+\.\d+$/),
    working_dir: '/broker',
  });
  // Not UID, which bash lets nobody set.
  for (const { user } of Object.values<{ user: string }>(services)) expect(user).toMatch(/^\$\{OWNER:-1000:1000\}$/);
  expect(services.broker.ports).toEqual(['4222:4222']);
  expect(services.coordinator).not.toHaveProperty('ports');
  expect(services.coordinator.command.slice(0, 2)).toEqual(['coordinator', 'run']);
});

it('a site in a container opens no port and only reads the images', () => {
  const { site } = parse(read('compose.site.yaml')).services;
  expect(site).not.toHaveProperty('ports');
  expect(site.volumes[1]).toMatch(/:\/data:ro$/);
  expect(site.command.slice(0, 2)).toEqual(['site', 'run']);
});

it.each(['Containerfile', 'Containerfile.cuda'])('%s builds graft and runs it without the rights of root', (name) => {
  const lines = read(name).split('\n');
  const steps = lines.filter((line) => /^[A-Z]+ /.test(line)).map((line) => line.split(' ')[0]);
  const torch = name.endsWith('cuda') ? ['RUN', 'ENV'] : [];
  expect(steps).toEqual(['FROM', 'RUN', ...torch, 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'WORKDIR', 'ENTRYPOINT']);
  expect(lines).toContain('USER node');
  expect(read(`${name}.dockerignore`).split('\n')).toContain('node_modules');
});

it('the container file for GPUs has the libtorch that the installer knows', () => {
  const pinned = /^torch==\S+/m.exec(readFileSync(join(root, 'native', 'torch.txt'), 'utf8'))?.[0];
  expect(read('Containerfile.cuda')).toContain(`pip install --no-cache-dir ${pinned}\n`);
});
