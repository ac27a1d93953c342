/** Waiting for what others do: a queue, several generators as one, and the newest of what comes. */

/** Values pushed at one end and awaited in order at the other, by one consumer. */
export class Queue<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #end: { error?: unknown } | undefined;
  #wake = () => {};

  push(value: T): void {
    if (this.#end) return;
    this.#values.push(value);
    this.#wake();
  }
  /** No more values come; those pushed before are still given. */
  end(): void {
    this.#end ??= {};
    this.#wake();
  }
  /** As `end`, and the consumer then meets the error. */
  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  /** The next value; undefined after the end. */
  async next(): Promise<T | undefined> {
    while (this.#values.length === 0 && !this.#end)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#values.length > 0) return this.#values.shift();
    if (this.#end && 'error' in this.#end) throw this.#end.error;
    return undefined;
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const value = await this.next();
      if (value === undefined) return;
      yield value;
    }
  }
}

/** A queue that ends with the signal. */
export function queueUntil<T>(signal: AbortSignal): Queue<T> {
  const queue = new Queue<T>();
  if (signal.aborted) queue.end();
  else signal.addEventListener('abort', () => queue.end(), { once: true });
  return queue;
}

/** A signal that is aborted with another one, and at the latest when this is disposed: what waits for it ends with its user. */
export function scoped(outer: AbortSignal | undefined): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = () => controller.abort();
  if (outer?.aborted) stop();
  outer?.addEventListener('abort', stop, { once: true });
  return {
    signal,
    [Symbol.dispose]() {
      outer?.removeEventListener('abort', stop);
      stop();
    },
  };
}

/** Values for any number of listeners. */
export class Broadcast<T> {
  readonly #listeners = new Set<Queue<T>>();

  push(value: T): void {
    for (const listener of this.#listeners) listener.push(value);
  }

  /** These first, then every new one, until the signal. */
  listen(signal: AbortSignal, first: Iterable<T> = []): Queue<T> {
    const queue = queueUntil<T>(signal);
    for (const value of first) queue.push(value);
    this.#listeners.add(queue);
    signal.addEventListener('abort', () => this.#listeners.delete(queue), { once: true });
    return queue;
  }
}

/** Works on the items in order, several at a time; after a failure no further one is begun. */
export async function inLanes<T>(
  items: Iterable<T>,
  lanes: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let failed = false;
  const lane = async () => {
    for (let next = rest.next(); !next.done && !failed; next = rest.next()) await work(next.value);
  };
  const guarded = () =>
    lane().catch((error) => {
      failed = true;
      throw error;
    });
  await Promise.all(Array.from({ length: lanes }, guarded));
}

/** Pushes everything that comes, in the background. */
export function pump<T>(source: AsyncIterable<T>, push: (value: T) => void, queue: Queue<unknown>): void {
  (async () => {
    for await (const value of source) push(value);
  })().then(
    () => queue.end(),
    (error) => queue.fail(error),
  );
}

/** The events of several generators as they come. Each goes on when its last event was taken; the first error is thrown. */
export async function* merge<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const ready = new Queue<{ source: AsyncGenerator<T>; result: IteratorResult<T> }>();
  const pull = (source: AsyncGenerator<T>) =>
    void source.next().then(
      (result) => ready.push({ source, result }),
      (error) => ready.fail(error),
    );
  for (const source of sources) pull(source);
  let open = sources.length;
  while (open > 0) {
    const { source, result } = (await ready.next())!;
    if (result.done) open--;
    else {
      yield result.value;
      pull(source);
    }
  }
}

/**
 * Skips what was overtaken: gives the newest value that has come, with a signal that is aborted as soon as a newer one
 * comes or the source ends.
 *
 * @param same whether a newer value asks for the same, so that the work on the one before is finished first
 */
export async function* newest<T>(
  source: AsyncIterable<T>,
  same: (before: T, now: T) => boolean = () => false,
): AsyncGenerator<{ value: T; superseded: AbortSignal }> {
  let waiting: { value: T } | undefined;
  let given: { value: T } | undefined;
  let overtake = new AbortController();
  const bell = new Queue<true>();
  const arrive = (value: T) => {
    waiting = { value };
    if (!given || !same(given.value, value)) overtake.abort();
    bell.push(true);
  };
  async function* watched() {
    try {
      yield* source;
    } finally {
      overtake.abort();
    }
  }
  pump(watched(), arrive, bell);
  try {
    for await (const _ of bell) {
      if (!waiting) continue;
      const { value } = waiting;
      waiting = undefined;
      given = { value };
      overtake = new AbortController();
      yield { value, superseded: overtake.signal };
    }
  } finally {
    overtake.abort();
  }
}

/** A place that one may hold at a time; the others wait in the order they came. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, which lasts until what it gave is disposed. */
  async take(): Promise<Disposable> {
    const before = this.#last;
    let release = () => {};
    this.#last = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return { [Symbol.dispose]: release };
  }
}
