/** A run on an MLflow server: what arrives, what does not, and what a server that fails costs. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProgressEvent } from '../../src/core/index.js';
import type { RunFolder } from '../../src/studies/index.js';
import { Mlflow } from '../../src/tracking/mlflow.js';
import { MlflowClient } from '../../src/tracking/mlflow-client.js';
import { trackingSchema } from '../../src/tracking/schema.js';
import { Tracking } from '../../src/tracking/tracking.js';
import { MlflowServer } from './mlflow-server.js';
import { logEpochs, openRun, temporary } from './run-folder.js';

const folder = temporary();
let server: MlflowServer;
let uri: string;

beforeEach(async () => {
  server = new MlflowServer();
  uri = await server.listen();
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const recipe = {
  ...{ title: 'Of Dr. Secret', description: 'Secret', groupBy: '^(Secret)', data: { root: '/home/secret/data' } },
  ...{ model: { checkpoint: 'secret.pth', imageSize: 64 }, training: { lr: 1e-3, schedule: null }, seeds: [1, 2] },
};
const trackerFor = (run: RunFolder) =>
  new Mlflow(run, { uri, experiment: 'brain', images: false }, recipe, new MlflowClient(uri, 1));
const outcome = {
  scores: [{ series: ['test', 'convlora + adabn'], values: { 'dice mean': 0.5 } }],
  pictures: [],
  report: (images: boolean) => `report ${images ? 'with' : 'without'} pictures`,
};

describe('a run on the server', () => {
  it('has its experiment, name, settings, curves, scores and report, and its end', async () => {
    const run = openRun(folder);
    const tracker = trackerFor(run);
    logEpochs(run, [0, 1]);
    await tracker.update();
    expect(server.run).toMatchObject({ name: 'run', status: 'RUNNING', ended: false });
    expect([...server.experiments]).toEqual([['brain', '1']]);
    logEpochs(run, [2]);
    await tracker.finish(outcome);
    expect(server.history('seed1/network/loss').map(([step]) => step)).toEqual([1, 2, 3]);
    expect(server.history('seed1/network/dice')[2]).toEqual([3, 0.5]);
    expect(server.history('test/convlora _ adabn/dice mean')).toEqual([[0, 0.5]]);
    expect(server.run).toMatchObject({ status: 'FINISHED', ended: true });
    expect(server.run.params).toEqual({
      ...{ 'model.imageSize': '64', 'training.lr': '0.001', 'training.schedule': 'null', seeds: '[1,2]' },
    });
    expect(Object.keys(server.run.tags)).toEqual(['graft', 'libtorch', 'Node.js']);
    expect([...server.artifacts]).toEqual([['1/run1/artifacts/report.html', 'report without pictures']]);
    expect(JSON.stringify(server.requests)).not.toMatch(/secret/i);
  });

  it('goes on when the run is resumed, and has no step twice', async () => {
    const first = openRun(folder);
    logEpochs(first, [0, 1, 2]);
    const killed = trackerFor(first);
    await killed.update();
    await killed.abandon('interrupted');
    expect(server.run.status).toBe('KILLED');
    const second = openRun(folder);
    logEpochs(second, [2, 3]);
    const tracker = trackerFor(second);
    await tracker.update();
    expect(server.run.status).toBe('RUNNING');
    await tracker.finish(outcome);
    expect(server.history('seed1/network/loss').map(([step]) => step)).toEqual([1, 2, 3, 4]);
  });

  it('begins anew where the server does not know it any more', async () => {
    const first = openRun(folder);
    logEpochs(first, [0, 1]);
    await trackerFor(first).update();
    server.runs.clear();
    const second = openRun(folder);
    await trackerFor(second).update();
    expect(server.history('seed1/network/loss').map(([step]) => step)).toEqual([1, 2]);
  });

  it('is sent in batches that the server allows', async () => {
    const run = openRun(folder);
    logEpochs(
      run,
      Array.from({ length: 1500 }, (_, i) => i),
    );
    await trackerFor(run).update();
    expect(server.history('seed1/network/dice')).toHaveLength(1500);
    expect(server.requests.filter(({ url }) => url.endsWith('log-batch')).length).toBe(1 + Math.ceil(3000 / 900));
  });
});

describe('a server that fails', () => {
  it('now and then is asked again, and misses nothing', async () => {
    const run = openRun(folder);
    let count = 0;
    server.failing = () => (count++ % 3 < 2 ? (count % 2 ? 503 : 429) : undefined);
    logEpochs(run, [0, 1]);
    await trackerFor(run).finish(outcome);
    expect(server.history('seed1/network/loss').map(([step]) => step)).toEqual([1, 2]);
    expect(server.run.status).toBe('FINISHED');
    expect(server.artifacts.size).toBe(1);
  });

  it('for good in the middle of a run gets the rest when it is back', async () => {
    const run = openRun(folder);
    const tracker = trackerFor(run);
    logEpochs(run, [0]);
    await tracker.update();
    server.failing = () => 500;
    logEpochs(run, [1]);
    await expect(tracker.update()).rejects.toThrow('TEMPORARILY_UNAVAILABLE');
    const asked = server.requests.length;
    await tracker.update(); // it is left in peace for a while
    expect(server.requests.length).toBe(asked);
    server.failing = () => undefined;
    logEpochs(run, [2]);
    await tracker.finish(outcome);
    expect(server.history('seed1/network/loss').map(([step]) => step)).toEqual([1, 2, 3]);
  });

  it('to take artifacts over its own address says so, and has everything else', async () => {
    server.artifactRoot = 's3://bucket';
    const run = openRun(folder);
    await expect(trackerFor(run).finish(outcome)).rejects.toThrow('artifacts under s3:');
    expect(server.run.status).toBe('FINISHED');
    expect(server.artifacts.size).toBe(0);
  });

  it('is told name and password, or a token, from the environment', async () => {
    vi.stubEnv('MLFLOW_TRACKING_TOKEN', 'abc');
    await trackerFor(openRun(folder)).update();
    expect(server.requests.at(-1)!.authorization).toBe('Bearer abc');
    vi.stubEnv('MLFLOW_TRACKING_USERNAME', 'me').stubEnv('MLFLOW_TRACKING_PASSWORD', 'pass');
    await trackerFor(openRun(folder)).update();
    expect(server.requests.at(-1)!.authorization).toBe(`Basic ${Buffer.from('me:pass').toString('base64')}`);
    vi.unstubAllEnvs();
  });
});

describe('a tracked run', () => {
  const config = (mlflow: object | undefined, tensorboard: boolean | string = false) => ({
    tracking: trackingSchema.parse({ tensorboard, mlflow }),
  });

  async function* work(run: RunFolder, tracking: Tracking, fail = false): AsyncGenerator<ProgressEvent, string> {
    for (const epoch of [0, 1, 2]) {
      logEpochs(run, [epoch]);
      yield { kind: 'step', done: epoch + 1, total: 3 };
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (fail && epoch === 1) throw new Error('the work failed');
    }
    await tracking.finish(() => outcome);
    return 'result';
  }

  async function collect(events: AsyncGenerator<ProgressEvent, string>) {
    const seen: ProgressEvent[] = [];
    for (;;) {
      const { done, value } = await events.next();
      if (done) return { seen, result: value };
      seen.push(value);
    }
  }

  it('passes its events through, and numbers on while it works', async () => {
    const run = openRun(folder);
    const tracking = new Tracking(run, config({ uri }));
    const events = tracking.follow(work(run, tracking));
    for await (const event of { [Symbol.asyncIterator]: () => events }) {
      expect(event.kind).toBe('step');
      await vi.waitFor(() => expect(server.run.metrics.size).toBeGreaterThan(0), 5000);
    }
    expect(server.run.status).toBe('FINISHED');
  });

  it('costs one warning where nothing listens, and comes to the same', async () => {
    await server.close();
    const run = openRun(folder);
    const tracking = new Tracking(run, config({ uri }));
    const { seen, result } = await collect(tracking.follow(work(run, tracking)));
    expect(result).toBe('result');
    const notes = seen.filter(({ kind }) => kind === 'note');
    expect(notes).toEqual([{ kind: 'note', text: expect.stringMatching(/^MLflow at .*ECONNREFUSED.*--resume/) }]);
    server = new MlflowServer();
    await server.listen(Number(new URL(uri).port));
    const later = new Tracking(run, config({ uri }));
    await later.finish(() => outcome);
    expect(server.history('seed1/network/loss').map(([step]) => step)).toEqual([1, 2, 3]);
  });

  it('says on the server that it failed, or was stopped', async () => {
    const run = openRun(folder);
    const failed = new Tracking(run, config({ uri }));
    await expect(collect(failed.follow(work(run, failed, true)))).rejects.toThrow('the work failed');
    expect(server.run.status).toBe('FAILED');
    const stopped = new Tracking(run, config({ uri }));
    const events = stopped.follow(work(run, stopped));
    await events.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await events.return('');
    expect(server.run.status).toBe('KILLED');
  });

  it('that is stopped does not wait for a server that says nothing', async () => {
    const run = openRun(folder);
    server.silent = true;
    const stopped = new Tracking(run, config({ uri }));
    const events = stopped.follow(work(run, stopped));
    await events.next();
    await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(0), 5000);
    const started = performance.now();
    await events.return('');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('warns once where event files cannot be written', async () => {
    const run = openRun(folder);
    const tracking = new Tracking(run, config(undefined, join(folder, 'run', 'run.json')));
    const { seen, result } = await collect(tracking.follow(work(run, tracking)));
    expect(result).toBe('result');
    const notes = seen.filter(({ kind }) => kind === 'note');
    expect(notes).toEqual([{ kind: 'note', text: expect.stringMatching(/^TensorBoard/) }]);
  });

  it.each(['ftp://host', 'no address', 'http://me:secret@host'])('refuses %s as an address', (address) => {
    expect(trackingSchema.safeParse({ mlflow: { uri: address } }).success).toBe(false);
  });
});
