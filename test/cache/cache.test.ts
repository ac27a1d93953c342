/** The cache of prepared slices: what is found in it is what would have been prepared. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { version } from '../../src/data/cache/key.js';
import {
  type Case,
  loadSlices,
  preprocessingSchema,
  SlicePool,
  WindowPool,
  windowSchema,
} from '../../src/data/index.js';
import { memoryStatistics, scope } from '../../src/torch/index.js';
import { contents, entries, preprocessing, read, writeCase } from './cases.js';

const root = mkdtempSync(join(tmpdir(), 'graft-cache-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
/** A path that nothing lies at yet. */
const fresh = () => join(root, `folder${count++}`);

const data = fresh();
const cases = [1, 2, 3].map((seed) => writeCase(data, `case${seed}`, { seed }));
/** Of all cases. */
const labelBytes = 3 * 4 * 8 * 12;
const prepared = contents(loadSlices(cases, preprocessing, { classes: 2 }));

describe('cases read through the cache', () => {
  it('are those that are prepared without it, to the bit, made and found again', async () => {
    const folder = fresh();
    expect(contents((await read(folder, cases)).slices)).toEqual(prepared);
    const made = entries(folder);
    expect(Object.keys(made)).toHaveLength(3);
    expect(contents((await read(folder, cases)).slices)).toEqual(prepared);
    expect(entries(folder), 'nothing was written again').toEqual(made);
  });

  it('have no label, and do not open one, where labels are not wanted', async () => {
    const label = join(root, 'no-label.nii');
    writeFileSync(label, 'no volume at all');
    const spoilt = cases.map((one) => ({ ...one, label }));
    const { slices } = await read(fresh(), spoilt, preprocessing, { classes: 2, labels: false });
    expect(slices.map(({ labels }) => labels)).toEqual([undefined, undefined, undefined]);
    expect(contents(slices).map(({ images }) => images)).toEqual(prepared.map(({ images }) => images));
    await expect(read(fresh(), spoilt)).rejects.toMatchObject({
      code: 'NIFTI_EXPECTED',
      message: expect.stringContaining(label),
    });
  });

  it('have the preprocessing that the data set fixes for them', async () => {
    const fixed: Case = { ...cases[0], preprocessing: { slices: [1, 2], intensity: { kind: 'min-max' } } };
    const folder = fresh();
    const { slices } = await read(folder, [fixed, cases[0]]);
    expect(slices.map(({ images }) => images.shape[0])).toEqual([2, 4]);
    expect(contents(slices)).toEqual(contents(loadSlices([fixed, cases[0]], preprocessing, { classes: 2 })));
  });

  it('are drawn from like those in memory, and the pools hold no copy of them', async () => {
    const { slices } = await read(fresh(), cases);
    const inMemory = loadSlices(cases, preprocessing, { classes: 2 });
    const before = memoryStatistics().bytes;
    const pools = [slices, inMemory].map((each) => [
      new SlicePool(each),
      new WindowPool(each, windowSchema.parse({ slices: 3 })),
    ]);
    // Labels, a byte a voxel, become tensors in the pools alone; they borrow the cases' memory too.
    expect(memoryStatistics().bytes - before).toBeLessThanOrEqual(4 * labelBytes);
    const drawn = (pool: SlicePool | WindowPool) =>
      [...pool.epoch(5, random(1))].map(({ take }) =>
        scope(() => {
          const { images, labels } = take();
          return [...images.toArray(), ...Array.from(labels!.toArray<'uint8'>(), Number)];
        }),
      );
    expect(pools[0].map(drawn)).toEqual(pools[1].map(drawn));
    for (const pool of pools.flat()) pool[Symbol.dispose]();
    expect(memoryStatistics().bytes).toBe(before);
  });
});

describe('an entry is made anew', () => {
  const change: Record<string, (one: Case) => { one: Case; given?: object; classes?: number }> = {
    'another spacing': (one) => ({ one, given: { spacing: 2 } }),
    'another scaling of the intensities': (one) => ({ one, given: { intensity: { kind: 'z-score' } } }),
    'another number of classes': (one) => ({ one, classes: 3 }),
    'other slices, fixed by the data set': (one) => ({ one: { ...one, preprocessing: { slices: [0, 1] } } }),
    'another image': (one) => ({ one: { ...one, image: cases[1].image } }),
    'another label': (one) => ({ one: { ...one, label: cases[1].label } }),
    'no label': ({ label: _, ...one }) => ({ one }),
  };
  it.each(Object.keys(change))('for %s', async (what) => {
    const folder = fresh();
    await read(folder, [cases[0]]);
    const { one, given = {}, classes = 2 } = change[what](cases[0]);
    const other = preprocessingSchema.parse({ ...preprocessing, ...given });
    const { slices } = await read(folder, [one], other, { classes });
    expect(Object.keys(entries(folder))).toHaveLength(2);
    expect(contents(slices)).toEqual(contents(loadSlices([one], other, { classes })));
  });

  it('for a voxel that was corrected, though size and time of the file say nothing of it', async () => {
    const [folder, home] = [fresh(), fresh()];
    const one = writeCase(home, 'corrected');
    const before = await read(folder, [one]);
    const { atime, mtime } = statSync(one.label);
    const bytes = readFileSync(one.label);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(one.label, bytes);
    utimesSync(one.label, atime, mtime);
    const after = await read(folder, [one]);
    expect(Object.keys(entries(folder))).toHaveLength(2);
    const last = (slices: typeof after.slices) => slices[0].labels!.at(-1);
    expect(last(after.slices)).toBe(1 - last(before.slices)!);
  });

  it('but not for a copy under other names', async () => {
    const [folder, home] = [fresh(), fresh()];
    mkdirSync(home);
    const moved = { site: 'elsewhere', name: 'copy', image: join(home, 'a.nii'), label: join(home, 'b.nii') };
    copyFileSync(cases[0].image, moved.image);
    copyFileSync(cases[0].label, moved.label);
    await read(folder, [cases[0]]);
    const { slices } = await read(folder, [moved]);
    expect(Object.keys(entries(folder))).toHaveLength(1);
    expect(slices[0].case).toEqual(moved);
  });

  it('where it was damaged: any byte, or its end', async () => {
    const folder = fresh();
    await read(folder, [cases[0]]);
    const [name] = readdirSync(folder);
    const file = join(folder, name);
    const whole = readFileSync(file);
    const damages = fc.oneof(
      fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
        const bytes = Buffer.from(whole);
        bytes[at] ^= by;
        return bytes;
      }),
      fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 8 }).map((more) => Buffer.concat([whole, more])),
    );
    await fc.assert(
      fc.asyncProperty(damages, async (bytes) => {
        writeFileSync(file, bytes);
        const { slices } = await read(folder, [cases[0]]);
        expect(contents(slices)).toEqual(prepared.slice(0, 1));
      }),
      { numRuns: 150 },
    );
  });

  it('where the name of its labels was damaged', async () => {
    const folder = fresh();
    await read(folder, [cases[0]]);
    const file = join(folder, readdirSync(folder)[0]);
    const bytes = readFileSync(file);
    bytes[bytes.indexOf('"labels"') + 1] ^= 1;
    writeFileSync(file, bytes);
    const { slices } = await read(folder, [cases[0]]);
    expect(contents(slices)).toEqual(prepared.slice(0, 1));
  });
});

describe('mistakes', () => {
  it('are named as they are without a cache', async () => {
    const folder = fresh();
    const absent = { ...cases[0], image: join(root, 'absent.nii') };
    await expect(read(folder, [absent])).rejects.toMatchObject({
      code: 'VOLUME_UNREADABLE',
      message: expect.stringMatching(/absent\.nii.*there is no such file/),
    });
    const empty = join(root, 'folder.nii');
    mkdirSync(empty);
    await expect(read(folder, [{ ...cases[0], label: empty }])).rejects.toMatchObject({ code: 'VOLUME_UNREADABLE' });
    await expect(read(folder, cases, preprocessing, { classes: 1 })).rejects.toMatchObject({
      code: 'LABEL_OUTSIDE_CLASSES',
      message: expect.stringContaining(cases[0].label),
    });
    expect(entries(folder)).toEqual({});
  });

  it('about the folder say which', async () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    await expect(read(join(file, 'cache'), cases)).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringMatching(/a-file/),
    });
  });
});

describe('what lies in the folder', () => {
  it('names nobody: no case, no site, no path, no word of the header', async () => {
    const [home, folder] = [fresh(), fresh()];
    const one = writeCase(home, 'PLANTED-NAME', { site: 'PLANTED-SITE' });
    for (const file of [one.image, one.label]) {
      const bytes = readFileSync(file);
      bytes.write('PLANTED-WORD', 148, 'latin1'); // descrip
      writeFileSync(file, bytes);
    }
    await read(folder, [one]);
    const names = readdirSync(folder);
    expect(names).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.safetensors$/)]);
    const bytes = readFileSync(join(folder, names[0]));
    expect(bytes.includes('"images"')).toBe(true);
    for (const word of ['PLANTED', home, root]) expect(bytes.includes(word), word).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('is for its owner alone', async () => {
    const folder = join(fresh(), 'deep', 'cache');
    await read(folder, cases);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });
});

describe('the version of the preparation', () => {
  it('is raised in src/data/cache/key.ts whenever the same files are prepared to other bits', () => {
    const home = fresh();
    const one = writeCase(home, 'pinned', { shape: [5, 9, 14] });
    const hash = createHash('sha256');
    for (const kind of ['percentile', 'histogram', 'min-max', 'z-score'])
      for (const axis of ['axial', 'coronal', 'sagittal'])
        for (const spacing of [null, 1.3]) {
          const given = preprocessingSchema.parse({ axis, spacing, intensity: { kind } });
          const [{ images, labels, geometry, spacing: mm }] = loadSlices([one], given, { classes: 2 });
          hash
            .update(images.toBytes())
            .update(labels!)
            .update(JSON.stringify([geometry, mm]));
        }
    // Where this fails: raise `version` and write the new hash here.
    expect({ version, bits: hash.digest('hex') }).toEqual({
      version: 1,
      bits: 'f40cc3693e248654f62f0574993551f77228fa3ca0440fa306d4b7e9f1130704',
    });
  });
});
