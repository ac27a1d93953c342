/** Programs that run until they are stopped: Ctrl-C is not an error to them, since the same command goes on. */
import type { Context } from './run-command.js';

/** What the work gives; undefined where it was interrupted. */
export async function endsWell<Result>(
  { signal }: Context,
  work: () => Promise<Result | undefined>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted && (error as Error).name === 'AbortError') return undefined;
    throw error;
  }
}
