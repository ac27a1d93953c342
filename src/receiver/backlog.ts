/** Studies that wait: each until nothing of it has come for a while, or until it is its turn again after a failure. */
import { once } from 'node:events';

export class Backlog implements Disposable {
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #ready = new Set<string>();
  #wake = new AbortController();

  /** Puts a study off; earlier words about it no longer count. */
  later(study: string, ms: number): void {
    clearTimeout(this.#timers.get(study));
    this.#ready.delete(study);
    const due = () => {
      this.#timers.delete(study);
      this.#ready.add(study);
      this.#wake.abort();
    };
    this.#timers.set(study, setTimeout(due, ms));
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
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }
}
