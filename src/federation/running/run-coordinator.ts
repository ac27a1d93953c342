/**
 * A study's coordinator as a program. It may be killed at any moment, since all that it does follows from its folder; what it
 * cannot change while it runs, such as the number of rounds, it changes by beginning again between two of them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Journal } from '../../audit/index.js';
import { GraftError, lockFolder, sha256, type Tell } from '../../core/index.js';
import {
  Coordinator,
  coordinatorAct,
  coordinatorFolder,
  folderStore,
  inWorker,
  lastAct,
  ledgerFile,
  loadFederationStart,
  type NatsTransport,
  readLedger,
} from '../../federate/index.js';
import { disposeState, type State } from '../../nn/index.js';
import { type CoordinatorFolder, openCoordinatorFolder } from '../coordinator-folder.js';
import { renewBroker } from '../deployment.js';
import { federationError } from '../errors.js';
import { digestOf, journalOf, noted } from '../journals.js';
import { BrokerProcess } from './broker-process.js';
import { connected, connectionOf } from './connection.js';
import { Desk, type DeskOptions } from './desk.js';
import { metricsOfCoordinator, serveHealth } from './health.js';
import { runningPlaces } from './places.js';
import { writeResult } from './result.js';
import { federationStatus } from './status.js';
import { textOfEvent } from './words.js';

export interface CoordinatorRun {
  /** Whether the installed nats-server is run, too, with the folder's configuration. */
  withBroker: boolean;
  /** Port on 127.0.0.1 for health and metrics; default: none. */
  metricsPort?: number | undefined;
  signal: AbortSignal;
  tell: Tell;
}

export interface CoordinatorResult {
  rounds: number;
  /** `fingerprint` of the global state. */
  fingerprint: string;
  /** Files. */
  state: string;
  adapter: string;
  report: string;
}

/**
 * Runs the rounds that are left. The folder is this process's until it ends.
 *
 * @returns undefined where it was ended before the rounds were over
 * @throws GraftError as `openCoordinatorFolder`; COORDINATOR_RUNNING, COORDINATOR_ELSEWHERE, BASE_DAMAGED, JOURNAL_DAMAGED,
 * BROKER_MISSING, BROKER_BROKEN, BROKER_OUTDATED,
 * and as `Coordinator` and `natsTransport`
 */
export async function runCoordinator(
  folder: string,
  { withBroker, metricsPort, signal, tell }: CoordinatorRun,
): Promise<CoordinatorResult | undefined> {
  const opened = openCoordinatorFolder(folder);
  take(folder);
  checkBase(opened);
  const journal = journalOf(folder, 'coordinator', opened.keys);
  catchUp(journal, ledgerFile(folder));
  const end = new AbortController();
  let fault: unknown;
  const failed = (error: unknown) => {
    fault ??= error;
    end.abort();
  };
  const over = AbortSignal.any([signal, end.signal]);
  const outdated = renewBroker(folder);
  await using broker = withBroker
    ? new BrokerProcess(folder, { failed, outdated, tell: (text) => tell({ kind: 'note', text }) })
    : undefined;
  const work = async () => {
    await using _health =
      metricsPort === undefined
        ? undefined
        : await serveHealth(metricsPort, {
            connected: () => federationStatus(folder).broker === 'connected',
            metrics: () => metricsOfCoordinator(federationStatus(folder)),
          });
    const result = await withTransport(opened, { broker, journal, signal: over, tell, failed });
    if (fault) throw fault;
    return result;
  };
  const act = { subject: opened.study.name, hashes: { study: digestOf(opened.study) } };
  return await noted(journal, act, work, ({ message }) => message);
}

/** Notes what a coordinator that was killed had recorded and not noted yet: its last act at most. */
function catchUp(journal: Journal, ledger: string): void {
  const act = existsSync(ledger) ? lastAct(readLedger(ledger)) : undefined;
  if (act && !journal.holds(act)) journal.note(act);
}

type Around = Omit<DeskOptions, 'transport'>;

async function withTransport(opened: CoordinatorFolder, around: Around): Promise<CoordinatorResult | undefined> {
  const { folder, study, tls } = opened;
  const blobs = folderStore(runningPlaces(folder).relay, { durable: false });
  const { signal, tell } = around;
  await using transport = await connected({ ...connectionOf(study, tls), blobs }, tell, signal);
  if (!transport) return undefined;
  await transport.claim(`${hostname()}, process ${process.pid}`, (other) =>
    federationError('COORDINATOR_ELSEWHERE', { folder, other }),
  );
  return await atDesk(opened, transport, around);
}

/** @throws GraftError COORDINATOR_RUNNING */
function take(folder: string): void {
  try {
    lockFolder(folder);
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== 'RUN_IN_USE') throw error;
    throw federationError('COORDINATOR_RUNNING', { folder, file: join(folder, 'lock.json') }, error);
  }
}

/** Sites take no other base model, and would wait for it. @throws GraftError BASE_DAMAGED */
function checkBase({ model, study }: CoordinatorFolder): void {
  const found = sha256(model);
  if (found !== study.base.sha256) throw federationError('BASE_DAMAGED', { file: model, found: found.slice(0, 12) });
}

async function atDesk(
  opened: CoordinatorFolder,
  transport: NatsTransport,
  around: Around,
): Promise<CoordinatorResult | undefined> {
  using desk = new Desk(opened, { transport, ...around });
  // Sites ask for the base model by its hash, before they can do anything else.
  await desk.sealed.putBlob(readFileSync(opened.model));
  const { initial } = loadFederationStart(opened.start);
  try {
    for (;;) {
      await desk.whilePaused();
      if (around.signal.aborted) return undefined;
      const done = await someRounds(opened, desk, initial, around);
      if (done === 'again') continue;
      if (done && around.broker) await desk.waitForSites();
      return done;
    }
  } finally {
    disposeState(initial);
  }
}

/** How long too few sites are waited for before it is tried again, in ms: members may change meanwhile. */
const PATIENCE = 15_000;

/** Runs rounds until they are over, or until the coordinator has to begin again. */
async function someRounds(
  opened: CoordinatorFolder,
  desk: Desk,
  initial: State,
  { journal, signal, tell }: Around,
): Promise<CoordinatorResult | 'again' | undefined> {
  const { study, keys, folder } = opened;
  const { rounds } = desk;
  using coordinator = new Coordinator({
    ...{ folder: coordinatorFolder(folder), plan: study.plan, base: study.base.fingerprint, initial },
    ...{ config: { ...study.federation, rounds }, sites: desk.sites, transport: desk.sealed, key: keys.signing },
    ...{ computation: inWorker, extend: true },
  });
  desk.coordinator = coordinator;
  /** Whether it helps to wait: sites were away, or have come back, and did not fail. */
  let away = true;
  try {
    for await (const event of coordinator.run(signal)) {
      const text = textOfEvent(event);
      const act = coordinatorAct(event, desk.sealed.heads);
      if (act) journal.note(act);
      if (event.kind === 'aggregated') {
        const { global: _, ...value } = event;
        tell({ kind: 'result', text: text!, value });
        await desk.whilePaused();
        if (desk.rounds > rounds) return 'again';
      } else if (event.kind === 'finished') {
        return { rounds, ...writeResult(opened, event.global, coordinator) };
      } else if (text !== undefined) tell({ kind: 'note', text });
      if (event.kind === 'round') away = false;
      if (event.kind === 'missing' || event.kind === 'registered') away = true;
    }
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== 'TOO_FEW_SITES') throw error;
    if (!away && coordinator.leftOut.length === 0) throw error;
    tell({ kind: 'note', text: `${error.message} They are waited for.` });
    await desk.change(PATIENCE);
    return 'again';
  } finally {
    desk.coordinator = undefined;
  }
  return undefined;
}
