/** Which differences between sites are told, and that the lines of recipes that are given are valid ones. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type DataWarning,
  type ImageFacts,
  type Inspected,
  preprocessingSchema,
  siteFacts,
  type Triple,
  warningsOf,
} from '../../src/data/index.js';
import { parseAdaptationRecipe } from '../../src/studies/index.js';

const image = (change: Partial<ImageFacts> = {}): ImageFacts => ({
  size: [60, 128, 128],
  spacing: [1, 1, 1],
  axes: 'RAS',
  oblique: 0,
  type: 'int16',
  placedBy: 'sform',
  unit: 'arbitrary',
  intensity: { least: 0, p1: 0, median: 50, p99: 1000, greatest: 1500 },
  histogram: { low: 0, high: 1000, shares: [1] },
  ...change,
});

const cases = (site: string, change: Partial<ImageFacts> = {}, more: Partial<Inspected> = {}): Inspected[] =>
  ['a', 'b', 'c'].map((name) => ({
    site,
    name,
    image: image(change),
    label: { millilitres: { 1: 1400 } },
    ...more,
  }));

const warn = (all: Inspected[], classes?: string[]): DataWarning[] => warningsOf(all, siteFacts(all), classes);
const topics = (all: Inspected[]) => warn(all).map(({ topic }) => topic);

/** The recipe's object that a line such as `preprocessing.axis: axial` stands for. */
function meant(line: string): Record<string, unknown> {
  const [, path, value] = /^([\w.]+): (.*)$/.exec(line)!;
  const object = path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), parse(value));
  return object as Record<string, unknown>;
}
const preprocessing = (warning: DataWarning) => {
  const given = meant(warning.recipe!).preprocessing as Record<string, unknown>;
  return { given, parsed: preprocessingSchema.parse(given) };
};

describe('warnings', () => {
  it('are none for sites that are alike, for one site, and for nothing', () => {
    expect(warn([...cases('one'), ...cases('two')])).toEqual([]);
    expect(warn(cases('one'))).toEqual([]);
    expect(warn([])).toEqual([]);
  });

  it('name labels that are cut off, and where', () => {
    const label = { millilitres: { 1: 1400 }, cutOff: [{ side: 'inferior' as const, areaCm2: 40.12 }] };
    const [warning, ...others] = warn([...cases('one'), ...cases('two', {}, { label }).slice(0, 1)]);
    expect(warning).toMatchObject({ topic: 'labels', message: expect.stringContaining('two/a (inferior, 40.1 cm²)') });
    expect(others).toEqual([]);
  });

  it('say that orientations differ, and that nothing needs to be set', () => {
    const [warning, ...others] = warn([...cases('one'), ...cases('two', { axes: 'PSR' })]);
    expect(warning).toMatchObject({ topic: 'orientation', message: expect.stringContaining('RAS (one), PSR (two)') });
    expect(warning.recipe).toBeUndefined();
    expect(others).toEqual([]);
  });

  it('say that a header leaves left and right open, and that a volume is oblique', () => {
    expect(warn(cases('one', { placedBy: 'voxel sizes' }))[0].message).toMatch(/one\/a.*left and right/);
    expect(warn(cases('one', { oblique: 40 }))[0].message).toMatch(/one\/a.*oblique/);
  });

  it('choose one pixel where spacings differ, and a size that holds every slice', () => {
    const all = [...cases('one', { spacing: [1, 0.5, 0.5], size: [60, 512, 512] }), ...cases('two')];
    const [spacing, size] = warn(all);
    expect(spacing).toMatchObject({ topic: 'spacing', message: expect.stringContaining('0.5 to 1 mm') });
    expect(preprocessing(spacing).given).toEqual({ spacing: 0.75 });
    // 512 pixels of 0.5 mm and 128 of 1 mm, in pixels of 0.75 mm.
    expect(size).toMatchObject({ topic: 'size', message: expect.stringContaining('171 to 342 rows') });
    expect(preprocessing(size).parsed.size).toEqual([344, 344]);
  });

  it.each([
    [[1, 1, 6], 'sagittal'],
    [[1, 6, 1], 'coronal'],
  ] as [Triple, string][])('choose the plane of thick slices: %j is %s', (spacing, axis) => {
    const [warning, ...others] = warn(cases('one', { spacing }));
    expect(warning.topic).toBe('plane');
    expect(preprocessing(warning).given).toEqual({ axis });
    expect(others).toEqual([]);
  });

  it('say that sites were scanned in different planes', () => {
    const all = [
      ...cases('one', { spacing: [5, 1, 1] }),
      ...cases('two', { spacing: [1, 1, 5] }),
      ...cases('three', { spacing: [1, 1, 5] }),
    ];
    const warning = warn(all).find(({ topic }) => topic === 'plane')!;
    expect(warning.message).toMatch(/axial \(one\), sagittal \(two, three\)/);
    expect(preprocessing(warning).given).toEqual({ axis: 'sagittal' });
  });

  it('tell Hounsfield units from arbitrary ones', () => {
    const [both] = warn([...cases('ct', { unit: 'HU' }), ...cases('mr')]);
    expect(both.message).toMatch(/Hounsfield units at ct, arbitrary units at mr/);
    expect(preprocessing(both).parsed.intensity.kind).toBe('percentile');
    const [hounsfield] = warn(cases('ct', { unit: 'HU' }));
    expect(preprocessing(hounsfield).parsed.intensity).toMatchObject({ kind: 'window' });
  });

  it('name the scaling where intensities differ, or where percentiles coincide', () => {
    const bright = { least: 0, p1: 0, median: 5e4, p99: 4e5, greatest: 5e5 };
    const [differ] = warn([...cases('one'), ...cases('two', { intensity: bright })]);
    expect(differ.message).toContain('400-fold');
    expect(preprocessing(differ).parsed.intensity.kind).toBe('percentile');
    const flat = { least: 7, p1: 7, median: 7, p99: 7, greatest: 7 };
    expect(warn(cases('one', { intensity: flat }))).toEqual([]);
    const sparse = { least: 0, p1: 0, median: 0, p99: 0, greatest: 500 };
    const [coincide] = warn(cases('one', { intensity: sparse }));
    expect(preprocessing(coincide).parsed.intensity.kind).toBe('min-max');
  });

  it('list empty labels, gaps between values, classes that a site lacks and volumes that differ', () => {
    const labelled = (site: string, millilitres: Record<number, number>) => cases(site, {}, { label: { millilitres } });
    expect(warn([...cases('one'), ...labelled('two', {})]).map(({ message }) => message)).toEqual([
      'empty labels: two/a, two/b, two/c',
    ]);
    const both = labelled('one', { 1: 4, 2: 8 });
    expect(warn([...both, ...labelled('two', { 1: 5 })]).map(({ message }) => message)).toEqual([
      'labels have the values 1 to 2',
      'no case of two has the label 2',
    ]);
    expect(warn(labelled('one', { 255: 9 }))[0].advice).toContain('Renumber');
    expect(warn([...labelled('one', { 1: 4 }), ...labelled('two', { 1: 40 })])[0].message).toContain('one 4, two 40');
    expect(warn(labelled('one', { 1: 0 }))).toEqual([]);
    const unlabelled = cases('one').map(({ label, ...one }, i) => (i === 0 ? one : { ...one, label: label! }));
    expect(warn(unlabelled)[0].message).toBe('one: 1 of 3 cases have no label that can be used');
    expect(topics(cases('one').map(({ label: _, ...one }) => one))).toEqual([]);
  });

  it('ask for the names of several classes, by the data set’s own where it has them', () => {
    const both = cases('one', {}, { label: { millilitres: { 1: 2, 2: 3 } } });
    const recipe = { data: { root: 'data' }, source: 'one', targets: ['two'] };
    const [unnamed] = warn(both);
    expect(parseAdaptationRecipe({ ...recipe, ...meant(unnamed.recipe!) }, 'r.yaml').classes).toHaveLength(2);
    const [named] = warn(both, ['anterior', 'posterior']);
    expect(named.recipe).toBe('classes: [anterior, posterior]');
  });

  it('name five cases and count the rest', () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ ...cases('one', { oblique: 50 })[0], name: `case${i}` }));
    expect(warn(many)[0].message).toMatch(/one\/case0, .*one\/case4 and 4 more/);
  });
});
