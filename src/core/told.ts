/** Work that tells what happens by calling, as a generator of what it tells. */
import type { ProgressEvent } from './progress.js';

export type Tell = (event: ProgressEvent) => void;

/** Carries work out; its result is the generator's last value. A caller that stops listening waits until the work has ended. */
export async function* told<Result>(work: (tell: Tell) => Promise<Result>): AsyncGenerator<ProgressEvent, Result> {
  const waiting: ProgressEvent[] = [];
  let wake = () => {};
  const tell: Tell = (event) => {
    waiting.push(event);
    wake();
  };
  let over = false;
  const result = work(tell).finally(() => {
    over = true;
    wake();
  });
  result.catch(() => {}); // it is met below
  try {
    for (;;) {
      const event = waiting.shift();
      if (event) yield event;
      else if (over) return await result;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    await result.catch(() => {});
  }
}
