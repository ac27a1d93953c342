/** What a checkpoint of a job must have been made with for the job to go on from it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settled } from '../../src/adapt/index.js';
import { sealedJson } from '../../src/core/index.js';
import type { CaseSlices } from '../../src/data/index.js';
import { adaptModel, federateModel, type JobEvent } from '../../src/jobs/index.js';
import { Checkpoint, fingerprint } from '../../src/nn/index.js';
import { newFolder } from '../new-folder.js';
import { configure, slices, small } from './small.js';

const { model, target } = small();
const wide = { low: 0, high: 1e6 };
const reference = { volumeMl: wide, entropy: wide, agreement: wide, cases: 3 };
const config = configure({ method: 'udas' });
const job = (folder: string) => ({
  ...{ task: 'udas', model, slices: target, config, target: 'here', seed: 1, toleranceMm: 2 },
  checkpoint: join(folder, 'adapter'),
});

async function until(events: AsyncGenerator<JobEvent, unknown>, kind?: string): Promise<void> {
  for await (const event of events) if (event.kind === kind) return;
}
async function started(): Promise<string> {
  const folder = newFolder();
  await until(adaptModel(job(folder)), 'step');
  return folder;
}

describe('an adaptation that was stopped', () => {
  it('goes on as it was', async () => {
    await until(adaptModel(job(await started())));
  });

  it.each([
    ['cases', { slices: [target[0], slices('c', 2)] }],
    ['target', { target: 'there' }],
    ['toleranceMm', { toleranceMm: 3 }],
    ['reference', { model: Object.assign(small().model, { reference }) }],
    ['preprocessing', { model: smallWith({ spacing: 2 }) }],
  ])('is refused with other %s', async (key, changes) => {
    await expect(until(adaptModel({ ...job(await started()), ...changes }))).rejects.toMatchObject({
      code: 'CHECKPOINT_OTHER_RUN',
      message: expect.stringMatching(new RegExp(`changed: ${key}`)),
    });
  });

  it('by an earlier version, which noted no cases, is refused', async () => {
    const folder = newFolder();
    const before = { seed: 1, base: model.fingerprint, ...settled(model.family, config) };
    new Checkpoint(join(folder, 'adapter-adapter.ckpt'), before).save(
      model.network.state(),
      { epoch: 0, step: 1, sum: 0 },
      [],
    );
    await expect(until(adaptModel(job(folder)))).rejects.toMatchObject({
      code: 'CHECKPOINT_OTHER_RUN',
      message: expect.stringContaining('cases: nothing in the file'),
    });
  });
});

function smallWith(preprocessing: object) {
  const other = small().model;
  Object.defineProperty(other, 'preprocessing', { value: { ...other.preprocessing, ...preprocessing } });
  return other;
}

it('a checkpoint is taken that was written before a key was noted, and not where the key differs', () => {
  const path = join(newFolder(), 'one.ckpt');
  const tensors = small().model.network.state();
  new Checkpoint(path, { seed: 1 }).save(tensors, { epoch: 1, step: 0, sum: 0 }, null);
  const load = (configuration: object) =>
    new Checkpoint(path, { seed: 1, ...configuration }, { later: ['validation'] }).load(tensors);
  expect(load({ validation: ['a/b'] })?.at.epoch).toBe(1);
  expect(() => load({ cases: ['a/b'] })).toThrow(/cases: nothing in the file/);
  new Checkpoint(path, { seed: 1, validation: ['a/c'] }).save(tensors, { epoch: 1, step: 0, sum: 0 }, null);
  expect(() => load({ validation: ['a/b'] })).toThrow(/validation: \["a\/c"\] in the file/);
  expect(fingerprint(tensors)).toBe(small().model.fingerprint);
});

it('a federation in a folder goes on with the same cases alone', async () => {
  const folder = newFolder();
  const { preprocessing, windows } = model;
  const told = (train: string[]) => ({
    training: { adapter: {}, preprocessing, windows },
    sites: { a: { train, validation: [] } },
  });
  const site = (name: string): { name: string; train: CaseSlices[]; validation: CaseSlices[] } => ({
    ...{ name, train: target, validation: [] },
  });
  const run = () =>
    until(
      federateModel({
        ...{ task: 'x', name: 'x', model, sites: [site('a'), site('b')], keep: 'last', seed: 1, folder },
        settings: { plan: 'nothing', adapter: {}, training: {}, federation: { rounds: 1 } } as never,
      }),
    );
  writeFileSync(join(folder, 'training.json'), sealedJson(told(['target/a', 'target/c'])));
  await expect(run()).rejects.toMatchObject({
    code: 'FEDERATION_CHANGED',
    message: expect.stringContaining('sites.a.train: ["target/a","target/c"] in the folder'),
  });
  // The same cases, and a site that joins: the next mistake is told.
  writeFileSync(join(folder, 'training.json'), sealedJson(told(['target/a', 'target/b'])));
  await expect(run()).rejects.toMatchObject({ code: 'PLAN_UNKNOWN' });
});
