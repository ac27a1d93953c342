/**
 * The installed nats-server as a child of the coordinator, for a study that has no broker of its own. It is started again when
 * it ends, and one that a killed coordinator left behind is taken over.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type ProcessMark, processMark, standingOf, writeFileAtomic, writing } from '../../core/index.js';
import { federationError } from '../errors.js';
import { brokerFiles, coordinatorPlaces } from '../places.js';
import { runningPlaces } from './places.js';

/** Between two looks at a process that is no child, in ms; and the shortest time between two starts. */
const LOOK = 200;
const REST = 500;
/** So often it may end at once, within so many ms of its start: then it cannot be run here. */
const [TRIES, EARLY] = [5, 2000];

const runs = (mark: ProcessMark | undefined): mark is ProcessMark => !!mark && standingOf(mark) === 'running';

export class BrokerProcess implements AsyncDisposable {
  readonly #folder: string;
  readonly #end = new AbortController();
  readonly #guard: Promise<void>;
  readonly #tell: (text: string) => void;

  /**
   * @param folder the coordinator's
   * @param told.tell is told what becomes of the broker
   * @param told.failed is given the error because of which there is none: BROKER_MISSING, BROKER_BROKEN
   */
  constructor(folder: string, { tell, failed }: { tell: (text: string) => void; failed: (error: unknown) => void }) {
    this.#folder = folder;
    this.#tell = tell;
    this.#guard = this.#keep().catch(failed);
  }

  get #places() {
    return runningPlaces(this.#folder);
  }

  /** The broker's process, which need not run any more. */
  get #mark(): ProcessMark | undefined {
    const file = this.#places.broker;
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ProcessMark) : undefined;
  }

  /** Has the broker read its configuration again: sites that were revoked are cut off, admitted ones let in. */
  reload(): void {
    const mark = this.#mark;
    if (runs(mark)) process.kill(mark.pid, 'SIGHUP');
  }

  async #keep(): Promise<void> {
    const { signal } = this.#end;
    for (let [first, early] = [true, 0]; !signal.aborted; first = false) {
      const begun = Date.now();
      if (!runs(this.#mark)) {
        if (!first) this.#tell('The broker has ended; it is started again.');
        await this.#start();
      }
      while (runs(this.#mark) && !signal.aborted) await setTimeout(LOOK);
      early = Date.now() - begun < EARLY ? early + 1 : 0;
      if (early === TRIES)
        throw federationError('BROKER_BROKEN', { file: this.#places.brokerLog, reason: this.#last() });
      if (!signal.aborted) await setTimeout(REST);
    }
  }

  /** The last line that the broker wrote. */
  #last(): string {
    const lines = readFileSync(this.#places.brokerLog, 'utf8').trim().split('\n');
    return (lines.at(-1) ?? '').slice(0, 300);
  }

  async #start(): Promise<void> {
    const { broker } = coordinatorPlaces(this.#folder);
    const { brokerLog } = this.#places;
    const log = writing(brokerLog, () => openSync(brokerLog, 'a', 0o600));
    try {
      // In a group of its own: Ctrl-C is for the coordinator, which ends the broker when it has said what it has to say.
      const child = spawn('nats-server', ['-c', brokerFiles.configuration], {
        ...{ cwd: broker, detached: true, stdio: ['ignore', log, log] },
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', (error) => reject(federationError('BROKER_MISSING', { reason: error.message }, error)));
      });
      writeFileAtomic(this.#places.broker, `${JSON.stringify(processMark(child.pid!))}\n`);
      child.unref();
    } finally {
      closeSync(log);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#guard;
    const mark = this.#mark;
    if (!runs(mark)) return;
    process.kill(mark.pid, 'SIGTERM');
    for (let waited = 0; runs(mark) && waited < 10_000; waited += LOOK) await setTimeout(LOOK);
  }
}
