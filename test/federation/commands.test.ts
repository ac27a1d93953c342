/** A study set up as people do it: create, request, admit, revoke, and a broker that lets in whom it should. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runToEnd } from '../../src/core/index.js';
import { loadFederationStart, natsTransport } from '../../src/federate/index.js';
import {
  admitSite,
  createFederation,
  openCoordinatorFolder,
  openSite,
  readRequest,
  requestAdmission,
  revokeSite,
  runCoordinator,
  startOf,
} from '../../src/federation/index.js';
import { connectionOf } from '../../src/federation/running/connection.js';
import { loadSegmenter } from '../../src/segmenter/index.js';
import { graft } from '../cli/graft.js';
import { describeWithBroker, freePort } from '../federate/nats/server.js';
import { errorOf } from '../graft-error.js';
import { newFolder } from '../new-folder.js';

const folder = newFolder();
const at = (...names: string[]) => join(folder, ...names);
const fed = at('fed');
const port = await freePort();
const recipe = `title: A small study
classes: [brain]
sites: [somewhere]
model: { architecture: unet2d, filters: 2 }
plans: [convlora, { plan: full, name: whole, federation: { rounds: 5 } }]
preprocessing: { axis: axial, spacing: 5, size: [16, 16] }
federation: { rounds: 3 }
seeds: [7]
`;
const studyYaml = `name: brain-2026\nrecipe: recipe.yaml\nbroker: { addresses: ["tls://127.0.0.1:${port}"] }\n`;
writeFileSync(at('recipe.yaml'), recipe);
writeFileSync(at('study.yaml'), studyYaml);
const create = (text: string, out = at('other')) => {
  writeFileSync(at('other.yaml'), text);
  return runToEnd(createFederation(at('other.yaml'), out));
};

describe('a study', () => {
  let words: string;

  it('is made by "graft federation create", whole', () => {
    const { status, stderr, stdout } = graft(['federation', 'create', 'study.yaml', '--out', 'fed/', '--json'], {
      cwd: folder,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { study, words: coordinator } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(study).toMatchObject({ name: 'brain-2026', plan: 'convlora', recipe, federation: { rounds: 3, seed: 7 } });
    expect(study.federation.deadline).toBe(86_400); // the recipe has none
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
    const opened = openCoordinatorFolder(fed);
    expect(opened.study).toEqual(study);
    expect(opened).toMatchObject({ words: coordinator, folder: fed });
    expect(opened.members()).toEqual([]);
  });

  it('has a base model and a start that coordinator and sites run from', () => {
    const { study, model, start } = openCoordinatorFolder(fed);
    const { initial, ...settings } = loadFederationStart(start);
    expect(startOf(study)).toEqual(settings);
    expect(initial.size).toBeGreaterThan(0);
    using base = loadSegmenter(model);
    expect(base.fingerprint).toBe(study.base.fingerprint);
    expect(statSync(model).size).toBe(study.base.bytes);
  });

  it('keeps its keys to its owner, and has what runs broker and coordinator', () => {
    const secret = [...readdirSync(join(fed, 'keys')).map((name) => `keys/${name}`), 'broker/broker.key'];
    expect(secret).toHaveLength(5);
    for (const name of secret) expect([name, statSync(join(fed, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(statSync(fed).mode & 0o777).toBe(0o700);
    const { services } = parse(readFileSync(join(fed, 'compose.yaml'), 'utf8'));
    expect(services.broker.ports).toEqual([`${port}:${port}`]);
    expect(readFileSync(join(fed, 'graft-broker.service'), 'utf8')).toContain(`WorkingDirectory=${fed}/broker`);
    expect(parse(readFileSync(join(fed, 'study.yaml'), 'utf8'))).toMatchObject({ days: 730, privacy: { minCases: 2 } });
  });

  it('is asked for by "graft site request", with words and a policy', () => {
    const { status, stdout } = graft(['site', 'request', '--name', 'site-a', '--out', 'site-a.request'], {
      cwd: folder,
    });
    expect(status).toBe(0);
    words = /six words of site-a, .*: ([a-z ]+)$/m.exec(stdout)![1];
    expect(readFileSync(at('site-a', 'policy.yaml'), 'utf8')).toContain('maxRounds: 100');
    expect(readdirSync(at('site-a'))).toEqual(['keys', 'policy.yaml']);
  });

  it('admits nobody whose words no person has compared', () => {
    const { status, stderr } = graft(['federation', 'admit', 'fed/', 'site-a.request'], { cwd: folder });
    expect(status).toBe(2);
    expect(stderr).toContain(`nobody confirmed that its six words are "${words}"`);
    expect(existsSync(at('site-a.kit'))).toBe(false);
    expect(openCoordinatorFolder(fed).members()).toEqual([]);
  });

  it('admits a site by its words, whose kit opens at the hospital alone', () => {
    const args = ['federation', 'admit', 'fed/', 'site-a.request', '--words', words, '--json'];
    const { status, json } = graft(args, { cwd: folder });
    expect(status).toBe(0);
    expect(json()).toMatchObject({ site: 'site-a', words, kit: 'site-a.kit' });
    const site = openSite(at('site-a.kit'), at('site-a'));
    const { study, members } = openCoordinatorFolder(fed);
    expect(site).toMatchObject({ name: 'site-a', study, coordinator: { words: json().coordinator } });
    expect(members().map(({ name }) => name)).toEqual(['site-a']);
    expect(errorOf(() => openSite(at('site-a.kit'), fed)).code).toBe('KIT_OTHER_KEYS');
  });

  it('gives an admitted site another kit, but never takes other keys for its name', async () => {
    await admitSite(fed, await readRequest(at('site-a.request')));
    expect(openCoordinatorFolder(fed).members()).toHaveLength(1);
    await requestAdmission('site-a', { folder: at('impostor'), out: at('impostor.request') });
    const impostor = admitSite(fed, await readRequest(at('impostor.request')));
    await expect(impostor).rejects.toMatchObject({ code: 'MEMBER_OTHER_KEYS' });
    await requestAdmission('site-z', { folder: at('site-a'), out: at('renamed.request') });
    const renamed = admitSite(fed, await readRequest(at('renamed.request')));
    await expect(renamed).rejects.toMatchObject({ code: 'MEMBER_OTHER_KEYS' });
  });
});

describeWithBroker('its broker', () => {
  let broker: ChildProcess;
  let log = '';
  const seen = async (text: string) => {
    while (!log.includes(text)) await new Promise((resolve) => broker.stderr!.once('data', resolve));
  };
  const servers = [`tls://127.0.0.1:${port}`];
  const federation = 'brain-2026';

  beforeAll(async () => {
    await requestAdmission('site-b', { folder: at('site-b'), out: at('site-b.request') });
    const kit = await admitSite(fed, await readRequest(at('site-b.request')));
    writeFileSync(at('site-b.kit'), `${JSON.stringify(kit, null, 1)}\n`);
    broker = spawn('nats-server', ['-c', 'nats.conf'], {
      cwd: join(fed, 'broker'),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    broker.stderr!.on('data', (piece) => {
      log += piece;
    });
    await seen('Server is ready');
  });
  afterAll(() => {
    broker.kill('SIGKILL');
  });

  it('knows the coordinator and the sites by their certificates', async () => {
    await using coordinator = await natsTransport({ servers, federation, tls: openCoordinatorFolder(fed).tls });
    await coordinator.publishTask(Buffer.from('task'));
    for (const name of ['site-a', 'site-b']) {
      const { tls } = openSite(at(`${name}.kit`), at(name));
      await using site = await natsTransport({ servers, federation, site: name, tls });
      for await (const task of site.watchTasks(new AbortController().signal)) {
        expect(Buffer.from(task).toString()).toBe('task');
        break;
      }
    }
  });

  it('ends a revoked site’s connection when it reads its configuration again, and lets it in no more', async () => {
    const connect = (name: string) => {
      const { tls } = openSite(at(`${name}.kit`), at(name));
      return natsTransport({ servers, federation, site: name, tls });
    };
    await using connected = await connect('site-b');
    const ended = (async () => {
      for await (const { kind } of connected.events(new AbortController().signal))
        if (kind === 'disconnected') return kind;
      return undefined;
    })();
    const { status, stdout } = graft(['federation', 'revoke', 'fed/', 'site-b'], { cwd: folder });
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('members: site-a') });
    broker.kill('SIGHUP');
    await seen('Reloaded server configuration');
    expect(await ended).toBe('disconnected');
    await expect(connect('site-b')).rejects.toMatchObject({ code: 'BROKER_REFUSED' });
    await using site = await connect('site-a');
    expect(site).toBeDefined();
  });
});

describe('revoking', () => {
  it('is for good, under this name and with these keys', async () => {
    await requestAdmission('site-c', { folder: at('site-c'), out: at('site-c.request') });
    await admitSite(fed, await readRequest(at('site-c.request')));
    revokeSite(fed, 'site-c');
    expect(
      openCoordinatorFolder(fed)
        .members()
        .map(({ name }) => name),
    ).not.toContain('site-c');
    expect(readFileSync(join(fed, 'broker', 'nats.conf'), 'utf8')).not.toContain('site-c');
    await requestAdmission('site-d', { folder: at('site-c'), out: at('renamed.request') });
    await requestAdmission('site-c', { folder: at('fresh'), out: at('fresh.request') });
    for (const request of ['site-c.request', 'renamed.request', 'fresh.request'])
      await expect(admitSite(fed, await readRequest(at(request)))).rejects.toMatchObject({ code: 'MEMBER_REVOKED' });
  });

  it('names the nearest member where there is none of this name', () => {
    expect(errorOf(() => revokeSite(fed, 'site-A')).message).toContain('did you mean site-a');
  });
});

describe('what cannot become a study', () => {
  it.each<[string, string, RegExp]>([
    ['an unknown key', `${studyYaml}dais: 3\n`, /other.yaml: the key dais is unknown; did you mean days\?$/],
    [
      'a recipe for adaptation',
      studyYaml.replace('recipe.yaml', 'phantom-scanners'),
      /is a recipe for adaptation.*one for a federation is needed/,
    ],
    ['no address', studyYaml.replace(/broker:.*/, ''), /broker: /],
    ['a password in an address', studyYaml.replace('tls://', 'tls://user:secret@'), /more than a host and a port/],
    ['an address without TLS', studyYaml.replace('tls://', 'nats://'), /expected such as tls:/],
    ['a name that is none', studyYaml.replace('brain-2026', 'Brain 2026'), /cannot be a name/],
    ['a plan that the recipe lacks', `${studyYaml}plan: lora\n`, /has the plans convlora, whole/],
  ])('%s is refused before anything is made', async (_, text, message) => {
    await expect(create(text)).rejects.toThrow(message);
    expect(readdirSync(folder).filter((name) => name.startsWith('other'))).toEqual(['other.yaml']);
  });

  it('leaves nothing behind, and takes no folder in which something is', async () => {
    writeFileSync(at('lost.yaml'), recipe.replace('filters: 2', 'filters: 2, checkpoint: lost.safetensors'));
    await expect(create(studyYaml.replace('recipe.yaml', 'lost.yaml'))).rejects.toMatchObject({
      code: 'TENSOR_FILE_UNREADABLE',
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('other'))).toEqual(['other.yaml']);
    mkdirSync(at('full'));
    writeFileSync(at('full', 'thesis.txt'), '');
    for (const out of [at('full'), fed, at('recipe.yaml')])
      await expect(create(studyYaml, out)).rejects.toMatchObject({ code: 'FOLDER_TAKEN' });
  });
});

describe('a coordinator’s folder', () => {
  it('is refused when it is another folder, or its keys or members are not what they were', () => {
    expect(errorOf(() => openCoordinatorFolder(folder)).code).toBe('COORDINATOR_FOLDER');
    const members = join(fed, 'members.json');
    const before = readFileSync(members, 'utf8');
    writeFileSync(members, before.replace(/"revoked": .*/, '"more": 1'));
    expect(errorOf(() => openCoordinatorFolder(fed)).code).toBe('MEMBERS_DAMAGED');
    writeFileSync(members, before);
    const key = join(fed, 'keys', 'signing.pem');
    const own = readFileSync(key);
    writeFileSync(key, readFileSync(at('site-a', 'keys', 'signing.pem')));
    expect(errorOf(() => openCoordinatorFolder(fed)).message).toContain('not those that signed its study');
    writeFileSync(key, own);
    expect(openCoordinatorFolder(fed).study.name).toBe('brain-2026');
  });

  it('is not run with another base model than that of its study', async () => {
    const model = join(fed, 'model.safetensors');
    const before = readFileSync(model);
    writeFileSync(model, Buffer.concat([before, Buffer.of(0)]));
    const run = runCoordinator(fed, { withBroker: false, signal: new AbortController().signal, tell: () => {} });
    await expect(run).rejects.toMatchObject({ code: 'BASE_DAMAGED' });
    writeFileSync(model, before);
  });

  it('gives a proxy only addresses that it can reach', () => {
    const { study, tls } = openCoordinatorFolder(fed);
    const reached = (broker: string[]) =>
      connectionOf({ ...study, broker }, tls, { proxy: 'http://proxy:3128' }).servers;
    expect(errorOf(() => reached(study.broker)).code).toBe('PROXY_UNSUITED');
    expect(reached([...study.broker, 'wss://broker.example.org:443'])).toEqual(['wss://broker.example.org:443']);
  });
});
