/** The page beside a command that works for long: the option, and the page for as long as the command runs. */
import type { ProgressEvent } from '../core/index.js';

/** @param what is shown, such as `the run` */
export const pageOption = (z: typeof import('zod').z, what: string) =>
  z
    .boolean()
    .default(false)
    .describe(`show ${what} in a browser while it works, at an address that is printed (docs/page.md)`);

/** Serves a page until it is disposed of, and tells its address. @param place that `graft page` shows, too */
export async function* openPage(place: string): AsyncGenerator<ProgressEvent, AsyncDisposable> {
  const { pageBeside } = await import('../server/index.js');
  const beside = await pageBeside(place);
  yield { kind: 'note', text: `page: ${beside.url}` };
  return beside;
}

/**
 * The events of a command, with the page of its folder beside it, whose address is told.
 *
 * @param begun whether there is something to show yet
 */
export async function* withPage<Result>(
  events: AsyncGenerator<ProgressEvent, Result>,
  folder: string,
  begun: () => boolean = () => true,
): AsyncGenerator<ProgressEvent, Result> {
  let open: AsyncDisposable | undefined;
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value;
      if (!open && begun()) {
        open = yield* openPage(folder);
      }
      yield next.value;
    }
  } finally {
    await events.return(undefined as never);
    await open?.[Symbol.asyncDispose]();
  }
}
