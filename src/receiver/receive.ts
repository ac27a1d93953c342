/**
 * The program that takes studies from scanners and archives by C-STORE, segments them and sends the masks back. What was
 * acknowledged is on the disk; killed at any moment, the same command goes on.
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { GraftError, lockFolder, type Tell } from '../core/index.js';
import { pseudonymKey } from '../data/index.js';
import {
  type Destination,
  ProtocolError,
  rejections,
  type StoreService,
  securely,
  serveConnection,
  type TlsService,
} from '../pacs/index.js';
import { threads } from '../torch/index.js';
import { Backlog } from './backlog.js';
import { Callers } from './callers.js';
import { Diary } from './diary.js';
import { Intake, type Limits } from './intake.js';
import { ModelThread } from './model-thread.js';
import type { Rule } from './rules.js';
import { StudyFolder } from './study-folder.js';
import { codeOf, mayPass, workOn } from './study-work.js';

export interface ReceiverOptions {
  /** By which the receiver is called. */
  title: string;
  host: string;
  /** 0: any that is free. */
  port: number;
  /** undefined: without TLS. */
  tls: TlsService | undefined;
  /** Who may send: `TITLE@ADDRESS`. */
  allow: readonly string[];
  /** The receiver's folder. */
  out: string;
  rules: readonly Rule[];
  destination: Destination | undefined;
  quietSeconds: number;
  limits: Limits;
  /** At once. */
  associations: number;
  /** After which images of studies that are done are removed. */
  keepDays: number;
  codes: string | undefined;
  report: boolean;
  empty: boolean;
  device: string;
  audit: { given: Readonly<Record<string, unknown>>; audit: string | undefined };
  signal: AbortSignal;
  tell: Tell;
}

const day = 86_400_000;
/** Milliseconds before a study is tried again: they double up to a quarter of an hour. */
const pauses = { first: 5000, last: 900_000 };

/**
 * @returns when the signal is aborted and what was being stored is stored
 * @throws GraftError about models and rules, before anything is listened to; RUN_IN_USE; WRITE_FAILED; the system's where the
 *   port is taken
 */
export async function receiveStudies(options: ReceiverOptions): Promise<void> {
  const { out, host, rules, signal, tell, audit, device, codes, report, empty } = options;
  const callers = new Callers(options.allow, host);
  mkdirSync(out, { recursive: true, mode: 0o700 });
  lockFolder(out);
  const diary = new Diary(out, tell);
  using thread = new ModelThread({ root: out, ...audit, device, threads: threads(), codes, report, empty });
  for (const { when: _, ...choice } of rules) await thread.ask({ kind: 'check', choice }, signal);
  using backlog = new Backlog();
  const intake = new Intake(out, options.limits, pseudonymKey());
  const arrived = (study: string) => backlog.later(study, options.quietSeconds * 1000);
  {
    await using listener = await listen({ ...options, callers, diary, intake, arrived });
    diary.note('listening', { title: options.title, host, port: listener.port, tls: options.tls !== undefined });
    for (const folder of StudyFolder.all(out)) if (!folder.isSettled()) arrived(folder.name);
    using _sweep = hourly(() => removeOld(out, options.keepDays, diary));
    await workOff(options, { backlog, intake, thread, diary });
  }
  diary.note('stopped');
}

interface Tools {
  backlog: Backlog;
  intake: Intake;
  thread: ModelThread;
  diary: Diary;
}

/** One study after another until the signal is aborted; one that could not be ended comes again. */
async function workOff({ out, rules, destination, signal }: ReceiverOptions, tools: Tools): Promise<void> {
  const { backlog, intake, thread, diary } = tools;
  const failures = new Map<string, number>();
  for (let study = await backlog.next(signal); study !== undefined; study = await backlog.next(signal)) {
    const folder = new StudyFolder(out, study);
    intake.forget(study);
    const failed = failures.get(study) ?? 0;
    if (failed === 0 && !folder.isSettled()) diary.note('received', { study, images: folder.imageCount() });
    const complete = await workOn(folder, { thread, rules, destination, diary, signal }).catch((error) => {
      if (signal.aborted) return true; // the same command goes on
      if (!(error instanceof GraftError && mayPass(error))) throw error;
      diary.note('failed', { study, code: codeOf(error) });
      return false;
    });
    if (complete) failures.delete(study);
    else {
      failures.set(study, failed + 1);
      backlog.later(study, Math.min(pauses.last, pauses.first * 2 ** failed));
    }
  }
}

interface ListenOptions extends Pick<ReceiverOptions, 'title' | 'host' | 'port' | 'tls' | 'associations' | 'signal'> {
  callers: Callers;
  diary: Diary;
  intake: Intake;
  arrived: (study: string) => void;
}

/** Takes connections until it is disposed of, which waits for what is being stored. */
async function listen({ title, host, port, tls, associations, signal, ...tools }: ListenOptions) {
  const { callers, diary, intake, arrived } = tools;
  const open = new Map<Socket, Promise<void>>();
  const service: StoreService = {
    refuses(caller, called) {
      const refused = !callers.admits(caller)
        ? rejections.callerUnknown
        : called !== title
          ? rejections.calledUnknown
          : open.size > associations || signal.aborted
            ? rejections.tooMany
            : undefined;
      if (refused) diary.noteSeldom('refused', { address: caller.address, reason: reasonOf(refused) });
      return refused;
    },
    async store(object, pieces, caller) {
      const { status, study, reason } = await intake.take(object, pieces);
      if (reason !== undefined) diary.noteSeldom('not stored', { from: caller.title, study, reason });
      else if (study !== undefined) arrived(study);
      return status;
    },
  };
  const server = createServer((socket) => {
    socket.on('error', () => {}); // met where it is read
    const { remoteAddress = '' } = socket;
    // One more than may be is there to be refused in words.
    if (!callers.knows(remoteAddress) || open.size > associations + 1) {
      diary.noteSeldom('refused', { address: remoteAddress, reason: 'address or number' });
      socket.destroy();
      return;
    }
    const served = (tls ? securely(socket, tls, signal) : Promise.resolve(socket))
      .then((line) => serveConnection(line, service, signal))
      .catch((error: unknown) => {
        const reason =
          error instanceof ProtocolError ? error.message : ((error as NodeJS.ErrnoException).code ?? 'INTERNAL');
        diary.noteSeldom('broken off', { address: remoteAddress, reason });
      })
      .finally(() => open.delete(socket));
    open.set(socket, served);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose](): Promise<void> {
      server.close();
      await Promise.all(open.values());
    },
  };
}

const reasonOf = (rejection: object) =>
  Object.entries(rejections)
    .find(([, one]) => one === rejection)?.[0]
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** Removes images of studies that are done; what was made of them, and that they were done, stays. */
function removeOld(root: string, keepDays: number, diary: Diary): void {
  for (const folder of StudyFolder.all(root)) {
    const state = folder.state();
    const images = folder.imageCount();
    if (images === 0 || !folder.isSettled(state) || Date.now() - state.settledAt < keepDays * day) continue;
    folder.removeImages();
    diary.note('images removed', { study: folder.name, images });
  }
}

/** Now, and each hour. */
function hourly(action: () => void): Disposable {
  action();
  const timer = setInterval(action, day / 24);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
