/**
 * A study's programs as real processes: coordinator, two sites and a broker over mutual TLS. They are killed, the broker
 * loses its store, rounds are paused and added, a site is revoked.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { lastAct, ledgerFile, readLedger } from '../../src/federate/index.js';
import {
  CoordinatorPage,
  extendFederation,
  federationStatus,
  openCoordinatorFolder,
  pauseFederation,
  revokeSite,
  SitePage,
} from '../../src/federation/index.js';
import { journalOf } from '../../src/federation/journals.js';
import { readPageFile, renderPageFile } from '../../src/report/index.js';
import { loadAdapter, loadSegmenter } from '../../src/segmenter/index.js';
import { pageSource } from '../../src/server/index.js';
import { earlierConfiguration } from '../federate/nats/earlier.js';
import { describeWithBroker } from '../federate/nats/server.js';
import { newFolder } from '../federate/small.js';
import { freePort, killAtRandom, makeStudy, Network, scanners } from './programs.mjs';

describeWithBroker('a study’s programs', () => {
  const made = newFolder();
  let network: Network;
  let undisturbed: Record<string, string>;
  const begin = () => {
    network = new Network(made, join(newFolder(), 'study'));
    return join(network.folder, 'fed');
  };

  beforeAll(async () => {
    await makeStudy(made);
    begin();
    await network.keepAll();
    undisturbed = network.result();
  });
  afterEach(() => network.stop());

  it('lead to a global state, to adapters of the base model that the sites were sent, and to a report', () => {
    const { report, sites, last, ...status } = federationStatus(join(network.folder, 'fed'));
    expect(status).toMatchObject({ study: 'phantoms', coordinator: 'stopped', paused: false, done: 3, rounds: 3 });
    expect(sites.map(({ name, cases, accepted, seen }) => [name, cases, accepted, seen?.doing])).toEqual([
      ['site-a', 2, 3, 'done'],
      ['site-b', 2, 3, 'done'],
    ]);
    using model = loadSegmenter(join(network.folder, 'site-a', 'model.safetensors'));
    const adapter = loadAdapter(join(network.folder, 'site-a', 'adapter.safetensors'));
    model.use(adapter);
    expect(adapter.provenance).toMatchObject({ data: 'site-a, site-b', rounds: '3' });
    expect(readFileSync(report!, 'utf8')).toContain(last!.fingerprint);
  });

  it('are shown on a page of numbers: sites, rounds and the journal', () => {
    const page = new CoordinatorPage(join(network.folder, 'fed')).read();
    expect(page.standing).toMatchObject({ state: 'The coordinator is stopped; all rounds are done.', rounds: 3 });
    expect(page.standing!.sites.map(({ name, accepted, state }) => [name, accepted, state])).toEqual([
      ['site-a', 3, 'done'],
      ['site-b', 3, 'done'],
    ]);
    expect(page.standing!.done.map(({ round, weights }) => [round, Object.keys(weights)])).toEqual(
      [1, 2, 3].map((round) => [round, ['site-a', 'site-b']]),
    );
    // Updates are sealed on their way; the coordinator, who combines them, compares them.
    const [{ rounds }] = page.aggregations!;
    expect(rounds.map(({ round, agreement }) => [round, agreement!.sites.map(({ site }) => site)])).toEqual(
      [1, 2, 3].map((round) => [round, ['site-a', 'site-b']]),
    );
    for (const { agreement } of rounds) expect(agreement!.pairs).toEqual([agreement!.sites[0].cosine]);
    const { lines, problem } = page.journal!;
    expect([problem, lines.filter(({ act }) => act === 'update.accepted').length]).toEqual([undefined, 6]);
    expect(lines.at(-1)!.act).toBe('stopped');
    expect(Object.keys(page)).not.toContain('images');
    expect(readPageFile(renderPageFile(page).text)).toEqual(page);
  });

  it('are shown on a site’s own page: its rounds, bytes, what it said, and its journal', () => {
    const page = new SitePage(join(network.folder, 'site-a')).read();
    expect([page.title, page.site!.state]).toEqual([
      'site-a',
      'The rounds are over; the site’s folder holds the adapter.',
    ]);
    const { done, rounds } = page.site!;
    expect([rounds, done.map(({ round }) => round)]).toEqual([3, [1, 2, 3]]);
    for (const { down, up, metrics, asked, sent } of done) {
      expect(Math.min(down, up)).toBeGreaterThan(0);
      expect(metrics).toEqual({ loss: expect.any(Number) });
      expect(Date.parse(sent!)).toBeGreaterThanOrEqual(Date.parse(asked!));
    }
    expect([page.journal!.problem, page.journal!.lines.at(-1)!.act]).toEqual([undefined, 'stopped']);
    expect(readPageFile(renderPageFile(page).text)).toEqual(page);
    expect(pageSource([join(network.folder, 'site-a')], 'dice').read()).toEqual(page);
  });

  it('lead to the same bits where they are killed at random moments and the broker loses its store', async () => {
    const fed = begin();
    const disturb = async () => {
      await network.says('coordinator', /round 1 of 3/);
      network.kill('broker', { wiped: true });
      await killAtRandom(network, { kills: 6 });
    };
    await Promise.all([network.keepAll(), disturb()]);
    expect(network.result()).toEqual(undisturbed);
    const { keys } = openCoordinatorFolder(fed);
    const journal = journalOf(fed, 'coordinator', keys);
    const entries = readLedger(ledgerFile(fed));
    const acts = entries.flatMap((_, i) => lastAct(entries.slice(0, i + 1)) ?? []);
    expect(acts.filter((act) => !journal.holds(act))).toEqual([]);
    // Sites answer a coordinator that was started again; what they had said to the one before is no news.
    expect(entries.filter(({ kind }) => kind === 'dropped' || kind === 'noise')).toEqual([]);
  });

  it('go on where the study is extended after its end, whichever is started first', async () => {
    const fed = join(network.folder, 'fed'); // the study has ended
    extendFederation(fed, 4);
    const [early, late] = Object.keys(scanners);
    const first = network.start(early);
    const coordinator = network.start('coordinator');
    await coordinator.says(/round 4 of 4/);
    await first.says(/waits in case the study goes on|round 4/);
    network.start(late);
    const ended = [...network.programs.values()].map((program) => program.ended);
    expect(await Promise.all(ended)).toEqual([0, 0, 0]);
    for (const site of [early, late]) {
      expect(loadAdapter(join(network.folder, site, 'adapter.safetensors')).provenance).toMatchObject({ rounds: '4' });
      const { site: done, notes } = new SitePage(join(network.folder, site)).read();
      expect(done!.state).toBe('The rounds are over; the site’s folder holds the adapter.');
      expect(notes.at(-1)).toContain('the model after 4 rounds, on 1 labelled case');
    }
  });

  it('end a broker with the configuration of an earlier version, or refuse it, and go on with one that holds sites apart', async () => {
    const fed = begin();
    const file = join(fed, 'broker', 'nats.conf');
    const sites = Object.fromEntries(Object.keys(scanners).map((name) => [name, `CN=${name}`]));
    const earlier = earlierConfiguration(readFileSync(file, 'utf8'), 'phantoms', sites);
    writeFileSync(file, earlier);
    const broker = spawn('nats-server', ['-c', 'nats.conf'], { cwd: join(fed, 'broker'), stdio: 'ignore' });
    const ended = once(broker, 'exit');
    const refused = network.graft('coordinator', 'run', 'fed');
    expect(await refused.ended).toBe(6);
    expect(refused.output).toContain('The broker runs with the configuration of an earlier version');
    expect(readFileSync(file, 'utf8')).toContain('accounts: {');

    // The same with the broker that a coordinator of that version started and left behind, and what it kept.
    writeFileSync(file, earlier);
    writeFileSync(join(fed, 'broker', 'pid'), `${broker.pid}\n`);
    const store = join(fed, 'broker', 'store', 'jetstream');
    mkdirSync(join(store, '$G', 'streams'), { recursive: true });
    await network.keepAll();
    await ended;
    expect(readdirSync(store)).toEqual(['coordinator']);
    expect(network.result()).toEqual(undisturbed);
  });

  it('do in the round what the administrator asks, and refuse a second coordinator', async () => {
    const fed = begin();
    const port = await freePort();
    const coordinator = network.start('coordinator', '--metrics-port', String(port));
    const sitePort = await freePort();
    const [, revoked] = [network.start('site-a', '--metrics-port', String(sitePort)), network.start('site-b')];
    await coordinator.says(/round 1 of 3/);
    pauseFederation(fed, true);
    await coordinator.says(/Paused/);
    expect(federationStatus(fed)).toMatchObject({ coordinator: 'running', broker: 'connected', paused: true, done: 1 });
    const pages = (of: number) =>
      Promise.all(['healthz', 'metrics'].map(async (page) => (await fetch(`http://127.0.0.1:${of}/${page}`)).text()));
    const [health, metrics] = await pages(port);
    expect(health).toBe('ok\n');
    expect(metrics).toMatch(/^graft_rounds_done 1$/m);
    expect(metrics).toMatch(/^graft_updates_total\{site="site-b"\} 1$/m);
    const [siteHealth, siteMetrics] = await pages(sitePort);
    expect(siteHealth).toBe('ok\n');
    expect(siteMetrics).toMatch(/^graft_rounds_trained_total 1$/m);

    // On this machine, and, with a copy of the folder, on another one.
    cpSync(fed, `${fed}-copy`, { recursive: true, filter: (file) => basename(file) !== 'lock.json' });
    const others = ['fed', 'fed-copy'].map((folder) => network.graft('coordinator', 'run', folder));
    expect(await Promise.all(others.map(({ ended }) => ended))).toEqual([2, 2]);
    expect(others[0].output).toContain('another process runs this study’s coordinator');
    expect(others[1].output).toContain('the broker is in use by another coordinator');

    const copy = join(network.folder, 'copy');
    cpSync(join(network.folder, 'site-a'), copy, { recursive: true, filter: (file) => basename(file) !== 'lock.json' });
    const data = join('data', scanners['site-a']);
    const second = network.graft('site', 'run', 'site-a.kit', '--folder', copy, '--data', data, '--device', 'cpu');
    expect(await second.ended).toBe(2);
    expect(second.output).toContain('is run by another process already');
    await network.says('site-a', /was started once more/);
    await coordinator.says(/site-a: two processes run it at once/);

    extendFederation(fed, 4);
    revoked.child.kill('SIGSTOP'); // it does not answer any more
    pauseFederation(fed, false);
    await coordinator.says(/site-a: update of round 2 taken/);
    revokeSite(fed, 'site-b');
    await coordinator.says(/round 2 of 4 is done: 1 sites/);
    revoked.child.kill('SIGCONT');
    expect(await revoked.ended).not.toBe(0);
    expect(revoked.output).toMatch(/BROKER_REFUSED|refuses/);
    expect(await coordinator.ended).toBe(0);
    expect(federationStatus(fed)).toMatchObject({ done: 4, rounds: 4, sites: [{ name: 'site-a', accepted: 4 }] });
  });
});
