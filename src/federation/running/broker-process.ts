/**
 * The installed nats-server as a child of the coordinator, for a study that has no broker of its own. It is started again when
 * it ends, and one that a killed coordinator left behind is taken over.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { writing } from '../../core/index.js';
import { federationError } from '../errors.js';
import { brokerFiles, coordinatorPlaces } from '../places.js';
import { runningPlaces } from './places.js';

/** Between two looks at a process that is no child, in ms; and the shortest time between two starts. */
const LOOK = 200;
const REST = 500;
/** So often it may end at once, within so many ms of its start: then it cannot be run here. */
const [TRIES, EARLY] = [5, 2000];

/**
 * The process that a file names, if it runs in this folder: on Linux the number alone is not believed, since numbers are
 * given out again.
 */
function processIn(folder: string, file: string): number | undefined {
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
    if (existsSync('/proc/self/cwd') && readlinkSync(`/proc/${pid}/cwd`) !== realpathSync(folder)) return undefined;
    return pid;
  } catch {
    return undefined; // there is none, or one of somebody else
  }
}

export class BrokerProcess implements AsyncDisposable {
  readonly #folder: string;
  readonly #end = new AbortController();
  readonly #guard: Promise<void>;
  readonly #tell: (text: string) => void;

  /**
   * @param folder the coordinator's
   * @param told.tell is told what becomes of the broker
   * @param told.failed is given the error because of which there is none: BROKER_MISSING, BROKER_BROKEN
   * @param told.outdated whether one that runs has the configuration of an earlier version: it is ended, and what it kept in
   * the account of all peers is removed
   */
  constructor(
    folder: string,
    { tell, failed, outdated }: { tell: (text: string) => void; failed: (error: unknown) => void; outdated: boolean },
  ) {
    this.#folder = folder;
    this.#tell = tell;
    this.#guard = (outdated ? this.#clear().then(() => this.#keep()) : this.#keep()).catch(failed);
  }

  get #files() {
    return { ...runningPlaces(this.#folder), folder: coordinatorPlaces(this.#folder).broker };
  }

  /** The number of the broker's process while it runs. */
  get #process(): number | undefined {
    return processIn(this.#files.folder, this.#files.broker);
  }

  /** Has the broker read its configuration again: sites that were revoked are cut off, admitted ones let in. */
  reload(): void {
    const pid = this.#process;
    if (pid) process.kill(pid, 'SIGHUP');
  }

  async #clear(): Promise<void> {
    await this.#stop();
    const former = join(this.#files.folder, brokerFiles.store, 'jetstream', '$G');
    writing(former, () => rmSync(former, { recursive: true, force: true }));
  }

  async #keep(): Promise<void> {
    const { signal } = this.#end;
    for (let [first, early] = [true, 0]; !signal.aborted; first = false) {
      const begun = Date.now();
      if (!this.#process) {
        if (!first) this.#tell('The broker has ended; it is started again.');
        await this.#start();
      }
      while (this.#process && !signal.aborted) await setTimeout(LOOK);
      early = Date.now() - begun < EARLY ? early + 1 : 0;
      if (early === TRIES)
        throw federationError('BROKER_BROKEN', { file: this.#files.brokerLog, reason: this.#last() });
      if (!signal.aborted) await setTimeout(REST);
    }
  }

  /** The last line that the broker wrote. */
  #last(): string {
    const lines = readFileSync(this.#files.brokerLog, 'utf8').trim().split('\n');
    return (lines.at(-1) ?? '').slice(0, 300);
  }

  async #start(): Promise<void> {
    const { error } = spawnSync('nats-server', ['--version']);
    if (error) throw federationError('BROKER_MISSING', { reason: error.message }, error);
    const { folder, broker, brokerLog } = this.#files;
    const log = writing(brokerLog, () => openSync(brokerLog, 'a', 0o600));
    try {
      // It notes its number itself, before it does anything else: were this process killed now, the next one finds it. In a
      // group of its own: Ctrl-C is for the coordinator, which ends the broker when it has said what it has to say.
      const line = 'echo $$ > "$0" && exec nats-server -c "$1"';
      const child = spawn('/bin/sh', ['-c', line, resolve(broker), brokerFiles.configuration], {
        ...{ cwd: folder, detached: true, stdio: ['ignore', log, log] },
      });
      child.unref();
      await once(child, 'spawn');
      while (!this.#process && child.exitCode === null && child.signalCode === null) await setTimeout(10);
    } finally {
      closeSync(log);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#guard;
    await this.#stop();
  }

  async #stop(): Promise<void> {
    const pid = this.#process;
    if (!pid) return;
    process.kill(pid, 'SIGTERM');
    for (let waited = 0; this.#process && waited < 10_000; waited += LOOK) await setTimeout(LOOK);
  }
}
