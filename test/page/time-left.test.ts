/** How long is left, by what is done: of kinds of work that take long and short, of rounds, and of a run's log. */
import { describe, expect, it } from 'vitest';
import { rounds, secondsLeft } from '../../page/parts/time-left.js';
import { epochsLeft, modelsLeft, underWay } from '../../src/studies/pace.js';
import type { Task } from '../../src/studies/tasks.js';

const at = (seconds: number) => new Date(1000 * seconds).toISOString();

describe('the time left', () => {
  const done = [
    { kind: 'long', count: 2, seconds: 200 },
    { kind: 'short', count: 4, seconds: 40 },
  ];
  const left = [
    { kind: 'long', count: 1 },
    { kind: 'short', count: 3 },
  ];

  it('counts each kind at its own pace', () => {
    expect(secondsLeft({ done, left }, 0)).toBe(130);
  });

  it('is less by what the one under way has had, at most by all that it takes', () => {
    const begun = at(0);
    expect(secondsLeft({ done, left, begun }, 60_000)).toBe(70);
    expect(secondsLeft({ done, left, begun }, 1e9)).toBe(30);
    // A file does not say when it is read.
    expect(secondsLeft({ done, left, begun }, undefined)).toBe(130);
  });

  it('is not known before something of each kind is done, and is nothing where nothing is left', () => {
    expect(secondsLeft({ done: [], left }, 0)).toBeUndefined();
    expect(secondsLeft({ done, left: [...left, { kind: 'new', count: 1 }] }, 0)).toBeUndefined();
    expect(secondsLeft({ done, left: [{ kind: 'long', count: 0 }] }, 0)).toBeUndefined();
    expect(secondsLeft(rounds([at(5)], 3), 0)).toBeUndefined();
  });

  it('of rounds goes by the time from one end to the next', () => {
    expect(secondsLeft(rounds([at(0), at(10), at(40)], 3), 40_000)).toBe(60);
    expect(secondsLeft(rounds([at(0), at(10), at(40)], 3), 45_000)).toBe(55);
  });
});

describe('the log of a run', () => {
  const key = { seed: 1, target: 'philips', method: 'udas' };
  const epoch = (time: number, n: number, more = key) => ({
    time: 1000 * time,
    kind: 'epoch',
    epoch: n,
    epochs: 5,
    ...more,
  });
  const finished = (time: number, entry: string, seconds: number) => ({
    time: 1000 * time,
    kind: 'done',
    entry,
    seconds,
  });
  const task = (seed: number, entry: string) => ({ key: { seed }, entry }) as Task;

  it('tells the pace of the epochs of the model under way, of this process alone', () => {
    const lines = [epoch(1, 0), finished(2, 'adabn', 2), epoch(10, 0), epoch(500, 1), epoch(504, 2), epoch(508, 3)];
    expect(epochsLeft(underWay(lines, 400_000))).toEqual({
      done: [{ kind: 'epoch', count: 2, seconds: 8 }],
      left: [{ kind: 'epoch', count: 1 }],
      begun: at(508),
    });
    expect(epochsLeft(underWay([...lines, finished(509, 'udas', 9)], 0))).toBeUndefined();
    expect(epochsLeft(underWay([epoch(1, 0), epoch(3, 0, { ...key, method: 'adabn' })], 0))).toBeUndefined();
  });

  it('tells what each kind of model took, and which are left, those of new kinds as any other, the networks of further seeds among them', () => {
    const lines = [finished(1, 'network', 100), finished(2, 'adabn', 3), finished(3, 'adabn', 5), epoch(4, 0)];
    const left = [task(1, 'udas'), task(2, 'adabn'), task(2, 'udas')];
    expect(modelsLeft(lines, 0, left, (seed) => seed === 1)).toEqual({
      done: [
        { kind: 'network', count: 1, seconds: 100 },
        { kind: 'adabn', count: 2, seconds: 8 },
        { kind: 'any', count: 2, seconds: 8 },
      ],
      left: ['any', 'network', 'adabn', 'any'].map((kind) => ({ kind, count: 1 })),
      begun: at(3),
    });
    expect(modelsLeft(lines, 9000, left, () => true).begun).toBe(at(9));
  });
});
