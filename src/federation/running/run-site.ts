/**
 * A hospital's site as a program: it joins, trains when it is asked to, and has an adapter when the rounds are over. Killed
 * at any moment, it goes on from its folder.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Journal } from '../../audit/index.js';
import {
  GraftError,
  lockFolder,
  type ProgressEvent,
  runToEnd,
  sha256,
  type Tell,
  writeSecret,
} from '../../core/index.js';
import {
  type Ended,
  type NatsTransport,
  PulseSender,
  sealedSite,
  siteAct,
  TrainingSite,
  type Transport,
} from '../../federate/index.js';
import { precisionRemark } from '../../finetune/index.js';
import { freeSlices, readSlices } from '../../jobs/index.js';
import { loadSegmenter, saveAdapter } from '../../segmenter/index.js';
import { hasOwnScores, scoreOwnCases } from '../../studies/index.js';
import { setThreads } from '../../torch/index.js';
import { federationError } from '../errors.js';
import { digestOf, journalOf, noted } from '../journals.js';
import { readKeys } from '../keys.js';
import { readKit } from '../kit.js';
import { sitePlaces } from '../places.js';
import { checkCases, checkDisk, checkRounds } from '../policy.js';
import { openSite, type Site } from '../site-folder.js';
import { startOf } from '../study.js';
import { recipeOf, trainingCases } from './cases.js';
import { connected, connectionOf, textOfBroker } from './connection.js';
import { metricsOfSite, type SiteStanding, serveHealth } from './health.js';
import { withinHours } from './hours.js';
import { noteOver, overAfter } from './over.js';
import { siteRunPlaces } from './places.js';

export interface SiteRun {
  device: string;
  /** `http://[user:password@]host:port`, to go through it by WebSockets. */
  proxy?: string | undefined;
  /** Port on 127.0.0.1 for health and metrics; default: none. */
  metricsPort?: number | undefined;
  signal: AbortSignal;
  tell: Tell;
}

/** A kit that may be run here: the study, the rules and the data fit together. */
export interface PreparedSite extends Site {
  cases: ReturnType<typeof trainingCases>;
  /** What is done is noted there before anything leaves. */
  journal: Journal;
}

/**
 * Checks all that can be checked before anybody is spoken to.
 *
 * @throws GraftError as `openSite`; POLICY_REFUSES, and about the data
 */
export function prepareSite(kit: string, folder: string, data: string): PreparedSite {
  try {
    const site = openSite(kit, folder);
    const cases = trainingCases(data, site.study);
    checkCases(site.policy, site.study, cases.train.length);
    checkDisk(site.policy, bytesIn(folder) + site.study.base.bytes);
    const journal = journalOf(folder, site.name, site.keys);
    journal.note({
      ...{ act: 'policy.allowed', subject: site.study.name, hashes: { study: digestOf(site.study) } },
      details: { trainingCases: cases.train.length, keptCases: cases.kept.length },
    });
    return { ...site, cases, journal };
  } catch (error) {
    if (error instanceof GraftError && error.code === 'POLICY_REFUSES')
      journalOf(folder, readKit(kit).site.name, readKeys(sitePlaces(folder).keys)).note({
        ...{ act: 'policy.refused', reason: error.message },
      });
    throw error;
  }
}

/**
 * Takes part until the rounds are over, and then scores the adapter on the site's own cases that were kept from training,
 * when nothing is connected any more.
 *
 * @returns the file of the site's adapter; undefined where it was ended before
 * @throws GraftError RUN_IN_USE, SITE_ELSEWHERE, BROKER_REFUSED, and as `TrainingSite`
 */
export async function runSite(site: PreparedSite, run: SiteRun): Promise<string | undefined> {
  const { folder, study, journal } = site;
  const over = overAfter(folder);
  lockFolder(folder);
  const work = async () => {
    // One that was killed while it scored goes on with that first.
    if (over?.killed) noteOver(folder, over.ended);
    await scoreOwn(site, run);
    // It had the result: coordinator and broker may be gone.
    if (over?.killed) return finish(folder);
    const adapter = await takePart(site, run, over?.ended);
    if (adapter !== undefined) await scoreOwn(site, run);
    return adapter;
  };
  return await noted(journal, { subject: study.name }, work, nameOf);
}

/** @returns the file of the adapter */
function finish(folder: string): string {
  const { adapter, cache } = siteRunPlaces(folder);
  rmSync(cache, { recursive: true, force: true });
  return adapter;
}

/** Scores the adapter that there is on the cases that were kept from training, unless that is done; a failure is told. */
async function scoreOwn({ folder, study, cases, policy, journal }: PreparedSite, run: SiteRun): Promise<void> {
  const { model, adapter, scores } = siteRunPlaces(resolve(folder));
  if (cases.kept.length === 0 || !existsSync(adapter)) return;
  const kept = cases.kept.map((one) => ({ ...one, image: resolve(one.image), label: resolve(one.label!) }));
  const own = { folder: scores, model, adapter, cases: kept, recipe: recipeOf(study) };
  if (hasOwnScores(own)) return;
  setThreads(policy.rules.threads);
  const act = { act: 'cases.scored', subject: study.name, details: { cases: kept.length } } as const;
  try {
    await carriedOut(scoreOwnCases(own, run.device), run);
    journal.note(act);
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    journal.note({ ...act, reason: error.code });
    run.tell({ kind: 'note', text: `The cases that were kept from training are not scored: ${error.message}` });
  }
}

/** Carries work out; the event loop, and with it the signal, has its turn at every pause. */
const carriedOut = <Result>(work: AsyncGenerator<ProgressEvent, Result>, { tell, signal }: SiteRun): Promise<Result> =>
  runToEnd(work, async (event) => {
    if (event.kind === 'pause') await setImmediate();
    else tell(event);
    signal.throwIfAborted();
  });

/** An error without its message, which may name files. */
const nameOf = (error: unknown): string => (error instanceof GraftError ? error.code : 'INTERNAL');

async function takePart(site: PreparedSite, run: SiteRun, over: Ended | undefined): Promise<string | undefined> {
  const { name, folder, study, keys, tls, coordinator, journal } = site;
  const { tell } = run;
  const twice = new AbortController();
  const signal = AbortSignal.any([run.signal, twice.signal]);
  const connection = { ...connectionOf(study, tls, { site: name, proxy: run.proxy }), site: name };
  let told = false;
  await using pulse = new PulseSender(connection, keys.signing, {
    twice: (ends) => {
      if (ends === 'this') twice.abort();
      else if (!told)
        tell({
          kind: 'note',
          text: `${name} was started once more, from a copy of ${folder}: that one is told to end.`,
        });
      told = true;
    },
  });
  const standing: SiteStanding = { connected: false, round: 0, training: false, trained: 0, moved: 0 };
  await using _health =
    run.metricsPort === undefined
      ? undefined
      : await serveHealth(run.metricsPort, {
          connected: () => standing.connected,
          metrics: () => metricsOfSite(standing),
        });
  const moved = (bytes: number) => {
    pulse.moved(bytes);
    standing.moved += bytes;
  };
  const options = { ...connection, moved };
  await using transport = await connected(options, tell, signal);
  const refuse = () => {
    if (twice.signal.aborted) throw federationError('SITE_ELSEWHERE', { folder, site: name });
  };
  refuse();
  if (!transport) return undefined;
  tell({ kind: 'note', text: `${name} has joined ${study.name}` });
  standing.connected = true;
  void follow(transport, standing, tell, signal);
  const sealed = sealedSite(transport, {
    ...{ federation: digestOf(study), site: name, key: keys.payload, coordinator: coordinator.payload },
    head: () => journal.head,
    refused: (error) => tell({ kind: 'note', text: `A message was not listened to: ${error.message}` }),
  });
  const ending = { ...run, signal };
  if (!(await fetchModel(site, sealed, ending))) {
    refuse();
    return undefined;
  }
  const heard = withinHours(sealed, site.policy, tell);
  const line = { transport: heard, head: () => sealed.coordinatorHead, over, standing };
  const adapter = await train(site, line, pulse, ending).finally(refuse);
  if (adapter !== undefined) pulse.tell('done');
  return adapter;
}

/** Says what becomes of the connection. */
async function follow(
  transport: NatsTransport,
  standing: SiteStanding,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  for await (const event of transport.events(signal)) {
    if (event.kind === 'connected' || event.kind === 'disconnected') standing.connected = event.kind === 'connected';
    if (event.kind !== 'restored') tell({ kind: 'note', text: textOfBroker(event) });
  }
}

/** Has the base model in the folder. @returns false where the signal came first */
async function fetchModel(
  { folder, study: { base } }: Site,
  transport: Transport,
  { signal, tell }: SiteRun,
): Promise<boolean> {
  const file = siteRunPlaces(folder).model;
  if (existsSync(file) && sha256(file) === base.sha256) return true;
  tell({ kind: 'task', name: `base model, ${(base.bytes / 1e6).toFixed(1)} MB` });
  const end = new AbortController();
  // Where the model lies is said with every task.
  for await (const _ of transport.watchTasks(AbortSignal.any([signal, end.signal])))
    try {
      writeSecret(file, await transport.getBlob(base.sha256, base.bytes));
      end.abort();
      tell({ kind: 'done', name: 'base model' });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== 'BLOB_MISSING') throw error;
    }
  return false;
}

/** What training is done with besides the site. */
interface Line {
  transport: Transport;
  /** Of the coordinator's journal. */
  head: () => string | undefined;
  over: Ended | undefined;
  standing: SiteStanding;
}

async function train(
  { name, folder, study, keys, coordinator, policy, cases, journal }: PreparedSite,
  { transport, head, over, standing }: Line,
  pulse: PulseSender,
  run: SiteRun,
): Promise<string | undefined> {
  const { device, signal, tell } = run;
  const places = siteRunPlaces(folder);
  setThreads(policy.rules.threads);
  using model = loadSegmenter(places.model, { device });
  const remark = precisionRemark(study.training, device);
  if (remark) tell({ kind: 'note', text: remark });
  const slices = await carriedOut(readSlices(name, cases.train, model, { cache: places.cache }), run);
  try {
    using site = new TrainingSite({
      ...{ name, model, start: startOf(study), cases: slices, folder: places.state, transport },
      ...{ coordinator: coordinator.signing, key: keys.signing, metrics: study.privacy.metrics, over },
      excuse: (error) => {
        // Messages name files, which are nobody's business outside.
        tell({ kind: 'note', text: error.message });
        return nameOf(error);
      },
      allow: ({ round, rounds }) => {
        checkRounds(policy, Math.max(round, rounds));
        checkDisk(policy, bytesIn(folder));
      },
    });
    pulse.tell('waiting');
    let [round, step] = [0, 0];
    let ended: Ended | undefined;
    for await (const event of site.run(signal)) {
      const act = siteAct(event, head());
      if (act) journal.note(act);
      if (event.kind === 'asked' && event.task === 'done')
        ended = { federation: event.federation, round: event.round! };
      if (event.kind === 'over') {
        const text = `The ${event.round} rounds are over, and ${places.adapter} is their result: ${name} waits in case the study goes on.`;
        tell({ kind: 'note', text });
      } else if (event.kind === 'progress') {
        if (event.round !== round) {
          [round, step] = [event.round, 0];
          pulse.tell('training', round);
          Object.assign(standing, { round, training: true });
          tell({ kind: 'task', name: `round ${round}` });
        }
        const { loss } = event.progress;
        tell({ kind: 'step', done: ++step, total: event.progress.total ?? step, values: { loss } });
      } else if (event.kind === 'trained') {
        pulse.tell('sending', round);
        Object.assign(standing, { training: false, trained: standing.trained + 1 });
        tell({ kind: 'done', name: `round ${round}`, values: event.metrics });
      } else if (event.kind === 'ignored') tell({ kind: 'note', text: event.reason });
    }
    if (signal.aborted || !ended) return undefined;
    saveAdapter(places.adapter, await site.adapter(signal));
    noteOver(folder, ended);
    return finish(folder);
  } finally {
    freeSlices(slices);
  }
}

/** What the files of a folder take. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}
