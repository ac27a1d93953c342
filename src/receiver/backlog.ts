/** Studies that wait: each until nothing of it has come for a while, or until it is its turn again after a failure. */
import { once } from 'node:events';
import { wait } from '../core/index.js';

export class Backlog implements Disposable {
  readonly #timers = new Map<string, AbortController>();
  readonly #ready = new Set<string>();
  #wake = new AbortController();

  /** Puts a study off; earlier words about it no longer count. */
  later(study: string, ms: number): void {
    this.#timers.get(study)?.abort();
    this.#ready.delete(study);
    const due = () => {
      this.#timers.delete(study);
      this.#ready.add(study);
      this.#wake.abort();
    };
    const timer = new AbortController();
    this.#timers.set(study, timer);
    wait(ms, timer.signal).then(due, () => {}); // put off again, or the end
  }

  /** The next study whose time has come; undefined when the signal is aborted. */
  async next(signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      const [study] = this.#ready;
      if (study !== undefined) {
        this.#ready.delete(study);
        return study;
      }
      this.#wake = new AbortController();
      await once(AbortSignal.any([signal, this.#wake.signal]), 'abort');
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers.values()) timer.abort();
  }
}
