import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, generatePhantoms, type LoadedCase, loadCase, scanners, siteOf } from '../../src/data/index.js';

let root: string;
let dataset: Dataset;
const loaded = new Map<string, LoadedCase>();
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'graft-phantom-'));
  dataset = generatePhantoms(join(root, 'first'), { seed: 3, cases: 2, spacing: 4 });
  for (const { name, cases } of dataset.sites) loaded.set(name, loadCase(cases[0], { classes: 2 }));
});
afterAll(() => rmSync(root, { recursive: true }));

const bytes = (data: Dataset, site: string, i: number) => readFileSync(siteOf(data, site).cases[i].image);

/** Means of the voxels inside and outside the brain, and of the air in the corners, as shares of the brightest 1 %. */
function means({ image, label }: LoadedCase) {
  const bright = image.data.toSorted()[Math.floor(0.99 * image.data.length)];
  const of = (value: number) => {
    const voxels = image.data.filter((_, i) => label!.data[i] === value);
    return voxels.reduce((sum, voxel) => sum + voxel, 0) / voxels.length / bright;
  };
  const corner = image.data.filter((_, i) => i % image.shape[2] < 2);
  return { brain: of(1), rest: of(0), air: corner.reduce((sum, voxel) => sum + voxel, 0) / corner.length / bright };
}

describe('generatePhantoms', () => {
  it('writes a site for each scanner, images and labels on one grid', () => {
    expect(dataset.sites.map(({ name }) => name)).toEqual(Object.keys(scanners).sort());
    for (const { cases } of dataset.sites) expect(cases.map(({ name }) => name)).toEqual(['patient01', 'patient02']);
    for (const { label } of loaded.values()) expect(label).toBeDefined();
  });

  it('makes brains of a human size in the middle of the head, brighter than air', () => {
    for (const [name, { image, label }] of loaded) {
      const voxels = label!.data.reduce((sum, value) => sum + value, 0);
      const millilitres = (voxels * image.spacing[0] * image.spacing[1] * image.spacing[2]) / 1000;
      expect(millilitres, name).toBeGreaterThan(800);
      expect(millilitres, name).toBeLessThan(1700);
      const { brain, air } = means({ image, label: label! });
      expect(brain, name).toBeGreaterThan(2 * air);
    }
  });

  it('stores the brain where the affine says, whatever the orientation', () => {
    // The middle of the brain lies within 25 mm of the same place in the patient for every scanner.
    for (const [name, { label }] of loaded) {
      const { data, shape, affine } = label!;
      const sum = [0, 0, 0, 0];
      data.forEach((value, v) => {
        if (value === 0) return;
        [v % shape[2], Math.floor(v / shape[2]) % shape[1], Math.floor(v / shape[2] / shape[1])].forEach((at, i) => {
          sum[i] += at;
        });
        sum[3]++;
      });
      const [x, y, z] = sum.map((at) => at / sum[3]);
      const world = [0, 4, 8].map((r) => affine[r] * x + affine[r + 1] * y + affine[r + 2] * z + affine[r + 3]);
      expect(Math.hypot(world[0], world[1] + 5, world[2] - 10), name).toBeLessThan(25);
    }
  });

  it('differs between scanners in what a network sees', () => {
    const share = (name: string) => means(loaded.get(name)!).brain;
    const grids = new Set([...loaded.values()].map(({ image }) => image.shape.join()));
    expect(grids.size).toBeGreaterThanOrEqual(4);
    expect(Math.abs(share('siemens-t1') - share('philips-t2'))).toBeGreaterThan(0.08);
  });

  it('gives the same bytes for the same seed, whatever else is asked for, and others for another', () => {
    const again = generatePhantoms(join(root, 'again'), { seed: 3, cases: 1, spacing: 4, scanners: ['ge-t1'] });
    expect(bytes(again, 'ge-t1', 0).equals(bytes(dataset, 'ge-t1', 0))).toBe(true);
    expect(bytes(dataset, 'ge-t1', 1).equals(bytes(dataset, 'ge-t1', 0))).toBe(false);
    const other = generatePhantoms(join(root, 'other'), { seed: 4, cases: 1, spacing: 4, scanners: ['ge-t1'] });
    expect(bytes(other, 'ge-t1', 0).equals(bytes(dataset, 'ge-t1', 0))).toBe(false);
  });

  it('refuses a scanner it does not have, and names those it has', () => {
    const generate = () => generatePhantoms(root, { scanners: ['siemens-t3' as 'siemens-t1'] });
    expect(generate).toThrow(expect.objectContaining({ code: 'PHANTOM_OPTIONS' }));
    expect(generate).toThrow('scanners.0');
    expect(generate).toThrow(expect.objectContaining({ hint: expect.stringContaining('philips-flair') }));
  });

  it('gives cases of a mixed set sizes and spacings of their own, and the same voxels again', () => {
    const options = { seed: 3, scanners: ['ge-t1' as const], cases: 4, spacing: 6, mixed: true };
    const [first, again] = ['mixed', 'again'].map((name) => generatePhantoms(join(root, name), options));
    const volumes = siteOf(first, 'ge-t1').cases.map((one) => loadCase(one, { classes: 2 }));
    const different = (values: (case_: LoadedCase) => readonly number[]) =>
      new Set(volumes.map((one) => values(one).join()));
    expect(different(({ image }) => image.shape).size).toBe(4);
    expect(different(({ image }) => image.spacing).size).toBe(4);
    for (const { label } of volumes) expect(label!.data.includes(1)).toBe(true);
    for (let i = 0; i < 4; i++) expect(bytes(again, 'ge-t1', i)).toEqual(bytes(first, 'ge-t1', i));
  });
});
