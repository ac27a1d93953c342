/**
 * Generators that tell events while they work and return a result, handed on or carried out by others. Either way an early
 * end or an error on the outside reaches the work, whose `finally` blocks leave everything in order: a training loop
 * saves where it stands.
 */

/** Work that tells events; that which never waits is a plain generator. */
type Work<Event, Result> = AsyncGenerator<Event, Result> | Generator<Event, Result>;

/** Passes on what work tells, as other events, and its result. @param each the events to tell in place of one */
export async function* forward<From, To, Result>(
  work: Work<From, Result>,
  each: (event: From) => Iterable<To>,
): AsyncGenerator<To, Result> {
  try {
    for (;;) {
      const { done, value } = await work.next();
      if (done) return value;
      yield* each(value);
    }
  } finally {
    await work.return(undefined as Result);
  }
}

/**
 * Carries work out, such as `trainModel(job)`, and gives its result.
 *
 * @param each awaited at every event; the work ends where it throws
 */
export async function runToEnd<Event, Result>(
  work: Work<Event, Result>,
  each: (event: Event) => unknown = () => {},
): Promise<Result> {
  try {
    for (;;) {
      const { done, value } = await work.next();
      if (done) return value;
      await each(value);
    }
  } finally {
    await work.return(undefined as Result);
  }
}
