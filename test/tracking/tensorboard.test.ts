/** Event files of a run: what TensorBoard shows, also after a run was killed in the middle of an epoch. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TensorBoard } from '../../src/tracking/tensorboard.js';
import { readBoard } from './event-files.js';
import { logEpochs, openRun, temporary } from './run-folder.js';

const folder = temporary();
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const board = () => readBoard(join(folder, 'run', 'tensorboard'));
const steps = (run: string, tag: string) => board()[run]![tag]!.map(({ step }) => step);
/** File names carry milliseconds: a start is never that soon after another. */
const later = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('event files', () => {
  it('have a folder for each series and a curve for each value, with the log’s times', async () => {
    const run = openRun(folder);
    const before = Date.now() / 1000;
    logEpochs(run, [0, 1, 2]);
    logEpochs(run, [0], 'early heads');
    await new TensorBoard(run).update();
    expect(Object.keys(board()).sort()).toEqual(['seed1/early heads', 'seed1/network']);
    const points = board()['seed1/network']!.loss!;
    expect(points.map(({ step, value }) => [step, value])).toEqual([
      [1, 1],
      [2, 0.5],
      [3, Math.fround(1 / 3)],
    ]);
    for (const { wallTime } of points) expect(Math.abs(wallTime - before)).toBeLessThan(60);
  });

  it('show every step once, the last that was said of it, wherever a run was killed', async () => {
    // What was logged by each start, and how much of it was passed on before the start was killed.
    const look = (epoch: number, agreement: number) => ({
      ...{ seed: 1, kind: 'look', task: 'network' },
      look: { candidate: epoch + 1, agreement, departures: [] },
    });
    const starts: [epochs: number[], looks: number[], passed: boolean][] = [
      [[0, 1, 2], [0, 1], true],
      [[3], [2], false], // the look at the epoch before came after the epoch's checkpoint
      [[3, 4], [3, 3], true],
      [[4, 5], [4, 5], true],
    ];
    for (const [start, [epochs, looks, passed]] of starts.entries()) {
      const run = openRun(folder);
      const tracker = new TensorBoard(run);
      await tracker.update();
      for (const epoch of epochs) run.log({ seed: 1, kind: 'epoch', task: 'network', epoch, values: { loss: start } });
      for (const epoch of looks) run.log(look(epoch, start));
      if (passed) await tracker.update();
      await later();
    }
    const shown = (tag: string) => board()['seed1/network']![tag]!.map(({ step, value }) => [step, value]);
    expect(shown('loss')).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 2],
      [5, 3],
      [6, 3],
    ]);
    expect(shown('agreement').map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(readdirSync(join(folder, 'run', 'tensorboard', 'seed1', 'network')).length).toBeGreaterThan(2);
  });

  it('of one start take back a step that comes again', async () => {
    const run = openRun(folder);
    const tracker = new TensorBoard(run);
    logEpochs(run, [0, 1]);
    await tracker.update();
    logEpochs(run, [1, 2]);
    await tracker.update();
    expect(steps('seed1/network', 'dice')).toEqual([1, 2, 3]);
  });

  it('are made of the whole log where a run was not tracked before', async () => {
    logEpochs(openRun(folder), [0, 1, 2, 3]);
    await new TensorBoard(openRun(folder)).update();
    expect(steps('seed1/network', 'dice')).toEqual([1, 2, 3, 4]);
  });

  it('lie beside those of other runs in a folder that is named', async () => {
    const run = openRun(folder);
    logEpochs(run, [0]);
    await new TensorBoard(run, join(folder, 'all')).update();
    expect(Object.keys(readBoard(join(folder, 'all')))).toEqual(['run/seed1/network']);
    expect(existsSync(join(folder, 'run', 'tensorboard'))).toBe(false);
  });

  it('have scores and pictures at the end, and names that no file system minds', async () => {
    const run = openRun(folder);
    logEpochs(run, [0], '../../outside: "a"');
    const tracker = new TensorBoard(run);
    const png = Uint8Array.of(1, 2, 3);
    const outcome = {
      scores: [{ series: ['test', 'adabn'], values: { 'dice mean': 0.75 } }],
      pictures: [{ series: ['pictures', 't2'], name: 'best/axial', picture: { width: 1, height: 1, png } }],
      report: () => '',
    };
    await tracker.finish(outcome);
    await later();
    await new TensorBoard(openRun(folder)).finish(outcome);
    expect(board()['test/adabn']!['dice mean']!.map(({ step, value }) => [step, value])).toEqual([[0, 0.75]]);
    expect([...board()['pictures/t2']!['best/axial']![0]!.png!]).toEqual([1, 2, 3]);
    expect(Object.keys(board())).toContain('seed1/.._.._outside_ _a_');
    expect(readdirSync(folder)).toEqual(['run']);
  });
});

describe('the log', () => {
  it('loses only the line that a crash cut short', () => {
    logEpochs(openRun(folder), [0, 1]);
    const file = join(folder, 'run', 'metrics.jsonl');
    writeFileSync(file, readFileSync(file).subarray(0, -9));
    const run = openRun(folder);
    logEpochs(run, [1, 2]);
    expect(run.readLog<{ epoch: number }>().map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
    const [first, second] = run.readLogFrom<{ epoch: number }>(0);
    expect(run.readLogFrom<{ epoch: number }>(first!.end)[0]).toEqual(second);
  });
});
