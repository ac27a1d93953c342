/** What concerns a whole process: the collector, worker threads, and an engine that is not there. */
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { engineReport } from '../../src/torch/index.js';
import { compiled, root, runModule } from '../child.js';

const torch = compiled('torch/index.js');

describe('the collector', () => {
  it('frees tensors that were forgotten outside every scope, and keeps those that are held', () => {
    const { made, left, held } = runModule<{ made: number; left: number; held: number }>(
      `import { memoryStatistics, ones } from '${torch}';
       const held = ones([7]);
       (() => { for (let i = 0; i < 200; i++) ones([1000]); })();
       const made = memoryStatistics().tensors;
       for (let i = 0; i < 50 && memoryStatistics().tensors > 1; i++) {
         gc();
         await new Promise((done) => setTimeout(done, 10));
       }
       console.log(JSON.stringify({ made, left: memoryStatistics().tensors, held: held.sum().item() }));`,
      ['--expose-gc'],
    );
    expect({ made, left, held }).toEqual({ made: 201, left: 1, held: 7 });
  });

  it('keeps an array as long as a tensor borrows it, and lets it go afterwards', () => {
    const { sum, collectedWhileBorrowed, collectedAfterwards } = runModule<Record<string, unknown>>(
      `import { devices, tensor } from '${torch}';
       let borrowed, reference;
       (() => {
         const array = new Float32Array(100_000).fill(1);
         reference = new WeakRef(array);
         borrowed = tensor(array, undefined, { copy: false });
       })();
       const turn = async () => { for (let i = 0; i < 10; i++) { gc(); await new Promise((done) => setTimeout(done, 5)); devices(); } };
       await turn();
       const collectedWhileBorrowed = reference.deref() === undefined;
       const sum = borrowed.sum().item();
       borrowed.dispose();
       await turn();
       const collectedAfterwards = reference.deref() === undefined;
       console.log(JSON.stringify({ sum, collectedWhileBorrowed, collectedAfterwards }));`,
      ['--expose-gc'],
    );
    expect({ sum, collectedWhileBorrowed, collectedAfterwards }).toEqual({
      sum: 100_000,
      collectedWhileBorrowed: false,
      collectedAfterwards: true,
    });
  });
});

describe('worker threads', () => {
  it('load the engine each for itself, several at once, compute, hand results over and end cleanly', () => {
    const results = runModule<{ sum: number; gradient: number; tensors: number; recording: boolean; exit: number }[]>(
      `import { Worker } from 'node:worker_threads';
       import { memoryStatistics, noGrad, ones } from '${torch}';
       const held = [ones([1]), ones([2]), ones([3])];
       const source = \`
         import { parentPort, workerData } from 'node:worker_threads';
         import { memoryStatistics, noGrad, ones, scope, setThreads } from '${torch}';
         setThreads(1);
         const x = ones([10]);
         x.requiresGrad = true;
         let sum = 0;
         for (let i = 0; i < 200; i++) sum += scope(() => noGrad(() => x.mul(workerData).sum().item()));
         scope(() => x.mul(workerData).sum().backward());
         const gradient = scope(() => x.grad.select(0, 0).item());
         const shared = x.detach().shareArray();
         parentPort.postMessage({ sum, gradient, tensors: memoryStatistics().tensors, recording: x.mul(2).requiresGrad, shared: shared.length });
       \`;
       const url = new URL('data:text/javascript,' + encodeURIComponent(source));
       const results = noGrad(() => [1, 2, 3].map((factor) => new Promise((done, fail) => {
         const worker = new Worker(url, { workerData: factor });
         let message;
         worker.on('message', (value) => { message = value; });
         worker.on('error', fail);
         worker.on('exit', (exit) => done({ ...message, exit }));
       })));
       const all = await Promise.all(results);
       if (memoryStatistics().tensors !== 3 || held[2].sum().item() !== 3) throw new Error('the main thread was disturbed');
       console.log(JSON.stringify(all));`,
    );
    // x and its detached view are all that a worker holds: the main thread's tensors are none of its own.
    const each = { tensors: 2, recording: true, shared: 10, exit: 0 };
    expect(results).toEqual([1, 2, 3].map((factor) => ({ ...each, sum: 2000 * factor, gradient: factor })));
  });

  it('that are terminated in the middle of their work take nothing down with them', () => {
    const answer = runModule<number>(
      `import { Worker } from 'node:worker_threads';
       import { ones } from '${torch}';
       const source = \`
         import { parentPort } from 'node:worker_threads';
         import { ones, setThreads } from '${torch}';
         setThreads(1);
         const kept = [], shared = [];
         for (let i = 0; ; i++) {
           if (kept.length < 100) { kept.push(ones([100])); shared.push(kept.at(-1).shareArray()); }
           ones([50]).mul(2).dispose();
           if (i === 100) parentPort.postMessage('busy');
         }
       \`;
       const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
       await new Promise((done) => worker.once('message', done));
       await worker.terminate();
       console.log(ones([4]).sum().item());`,
    );
    expect(answer).toBe(4);
  });
});

describe('an engine that cannot be loaded', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-no-engine-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['core', 'torch'])
    cpSync(join(root, 'dist', part), join(folder, 'dist', part), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const attempt = () =>
    runModule<Record<string, unknown>>(
      `import { engineReport, zeros } from '${compiled('torch/index.js', join(folder, 'dist'))}';
       try { zeros([1]); } catch ({ name, code, message, hint, exitCode }) {
         console.log(JSON.stringify({ name, code, message, hint, exitCode, problem: engineReport().problem }));
       }`,
    );

  it('because it was not built: a typed error says so and what to run; importing alone is harmless', () => {
    const error = attempt();
    expect(error).toMatchObject({ name: 'GraftError', code: 'ENGINE_MISSING', exitCode: 5 });
    expect(error.message).toMatch(/not built/);
    expect(error.hint).toMatch(/graft doctor/);
    expect(error.problem).toBe(error.message);
  });

  it('because the addon is damaged: the same error with the reason in one line', () => {
    cpSync(join(root, 'native'), join(folder, 'native'), {
      recursive: true,
      filter: (path) => !path.endsWith('.node') && basename(path) !== 'libtorch',
    });
    writeFileSync(join(folder, 'native/build/graft.node'), 'not a library');
    symlinkSync(engineReport().torch!.folder, join(folder, 'native/build/libtorch'));
    const error = attempt();
    expect(error).toMatchObject({ code: 'ENGINE_MISSING', exitCode: 5 });
    expect(error.message).toMatch(/graft\.node/);
    expect(error.message).not.toContain('\n');
  });

  it('because it is older than the program: refused before a function of it is missing', () => {
    appendFileSync(join(folder, 'native/runtime.cc'), '// a later version');
    const error = attempt();
    expect(error).toMatchObject({ code: 'ENGINE_MISSING', exitCode: 5 });
    expect(error.message).toMatch(/another version of graft/);
  });
});
