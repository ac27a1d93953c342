import { describe, expect, it } from 'vitest';
import { forward, pause, runToEnd, runWithPauses } from '../../src/core/index.js';

/** Counts to three, notes how it ended, and returns 'all'. */
const counting = (notes: string[], failAt?: number) =>
  (async function* () {
    try {
      for (const count of [1, 2, 3]) {
        if (count === failAt) throw new Error(`no ${count}`);
        yield count;
      }
      notes.push('done');
      return 'all';
    } finally {
      await Promise.resolve();
      notes.push('closed');
    }
  })();

function* plain(notes: string[]): Generator<number, string> {
  try {
    yield 1;
    yield 2;
    return 'plain';
  } finally {
    notes.push('closed');
  }
}

const doubled = (count: number) => (count === 2 ? [] : [count, `${count}`]);

async function collect<Event, Result>(events: AsyncGenerator<Event, Result>): Promise<[Event[], Result]> {
  const seen: Event[] = [];
  const result = await runToEnd(events, (event) => seen.push(event));
  return [seen, result];
}

describe('forward', () => {
  it('tells what each event stands for, in order, and gives the result', async () => {
    const notes: string[] = [];
    expect(await collect(forward(counting(notes), doubled))).toEqual([[1, '1', 3, '3'], 'all']);
    expect(notes).toEqual(['done', 'closed']);
  });

  it('takes work that never waits', async () => {
    expect(await collect(forward(plain([]), (count) => [-count]))).toEqual([[-1, -2], 'plain']);
  });

  it('asks the work for no event before the last one was taken', async () => {
    const asked: number[] = [];
    const events = forward(counting([]), (count) => {
      asked.push(count);
      return [count, count];
    });
    await events.next();
    await events.next();
    expect(asked).toEqual([1]);
    await events.return('');
  });

  it.each([1, 2, 3])('ended after %i events, waits until the work is closed', async (after) => {
    const notes: string[] = [];
    const events = forward(counting(notes), (count) => [count]);
    for (let i = 0; i < after; i++) await events.next();
    expect(await events.return('early')).toEqual({ done: true, value: 'early' });
    expect(notes).toEqual(['closed']);
  });

  it('ends the work through several of its kind, and by leaving a loop', async () => {
    const notes: string[] = [];
    const inner = forward(plain(notes), (count) => [count]);
    for await (const _ of forward(inner, (count) => [count])) break;
    expect(notes).toEqual(['closed']);
  });

  it('passes the work’s error on, and closes the work after one of its own', async () => {
    const notes: string[] = [];
    await expect(collect(forward(counting(notes, 2), doubled))).rejects.toThrow('no 2');
    expect(notes).toEqual(['closed']);
    const failing = () => {
      throw new Error('not told');
    };
    await expect(collect(forward(counting(notes), failing))).rejects.toThrow('not told');
    expect(notes).toEqual(['closed', 'closed']);
  });
});

describe('runToEnd', () => {
  it('waits for what is done at every event', async () => {
    const order: string[] = [];
    const work = (async function* () {
      for (const count of [1, 2]) {
        order.push(`work ${count}`);
        yield count;
      }
    })();
    await runToEnd(work, async (count) => {
      await new Promise(setImmediate);
      order.push(`seen ${count}`);
    });
    expect(order).toEqual(['work 1', 'seen 1', 'work 2', 'seen 2']);
  });

  it('closes the work before its own error goes on', async () => {
    const notes: string[] = [];
    const aborted = runToEnd(counting(notes), (count) => {
      if (count === 2) throw new Error('enough');
    });
    await expect(aborted.finally(() => notes.push('thrown'))).rejects.toThrow('enough');
    expect(notes).toEqual(['closed', 'thrown']);
  });

  it('tells what went wrong in closing, which matters more than why it was ended', async () => {
    const work = (function* () {
      try {
        yield 1;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: what a failing save does
        throw new Error('not saved');
      }
    })();
    const ending = runToEnd(work, () => {
      throw new Error('enough');
    });
    await expect(ending).rejects.toThrow('not saved');
  });
});

describe('runWithPauses', () => {
  it('lets the event loop have its turn at every pause, and ends the work with the signal', async () => {
    const notes: string[] = [];
    const work = function* () {
      try {
        yield pause;
        yield pause;
        notes.push('done');
        return 3;
      } finally {
        notes.push('closed');
      }
    };
    setImmediate(() => notes.push('a turn'));
    expect(await runWithPauses(work())).toBe(3);
    expect(notes).toEqual(['a turn', 'done', 'closed']);
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(runWithPauses(work(), signal)).rejects.toThrow('stop');
    expect(notes.slice(3)).toEqual(['closed']);
  });
});
