/** Whether an image and the answer to it look like a model's source: what is doubted, and what is not. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type CaseFacts,
  doubtsOf,
  maskFacts,
  type Profile,
  preprocessingSchema,
  profileOf,
  profileSchema,
  quantilesOf,
  tagsBeside,
  tagsOf,
  uncheckedOf,
  writeTagsBeside,
} from '../../src/data/index.js';

/** Heads as a network of brains sees them: volumes of 1150 to 1690 ml. */
const head = (i: number): CaseFacts => ({
  spacing: [2, 2, 2],
  extent: [240, 240, 180],
  quantiles: [0, 0, 7 * i, 250 + 5 * i, 600 + 10 * i],
  volumesMl: [1150 + 60 * i],
  reach: [130 + i, 160 + 3 * i, 125 + 2 * i],
  entropy: 0.34 + 0.01 * i,
  heads: 0.96,
});
const source = Array.from({ length: 10 }, (_, i) => head(i));
const profile = profileOf(source);
const { intensity } = preprocessingSchema.parse({});
const doubts = (facts: Partial<CaseFacts>, of: Profile | undefined = profile) =>
  doubtsOf({ ...head(3), ...facts }, of, { classes: ['brain'], intensity });
const measures = (facts: Partial<CaseFacts>) => doubts(facts).map(({ measure }) => measure);

describe('of a case', () => {
  it('of the source there is no doubt, nor of an ordinary target', () => {
    expect(source.flatMap((one) => doubts(one))).toEqual([]);
    // Clinical FLAIR of another hospital: thick slices, half the field of view along z, air of one value, another unit.
    const flair = { quantiles: [0, 0, 0, 67, 340], extent: [117, 230, 230], spacing: [4, 1.4, 1.4] } as const;
    expect(
      doubts({ ...flair, quantiles: [...flair.quantiles], extent: [117, 230, 230], spacing: [4, 1.4, 1.4] }),
    ).toEqual([]);
    expect(doubts({ volumesMl: [980], reach: [115, 190, 140], entropy: 0.55, heads: 0.87 })).toEqual([]);
  });

  it('where nothing was segmented, the numbers are told', () => {
    expect(doubts({ volumesMl: [0], reach: [0, 0, 0], entropy: 1800, heads: 0 })).toEqual([
      { measure: 'volume', text: 'segmented 0.0 ml, source cases 1150 to 1690 ml' },
    ]);
  });

  it('that is a crop, an echo-planar image, cut, turned, or of other voxels is doubted for it', () => {
    expect(measures({ extent: [35, 51, 35], quantiles: [9, 44, 63, 85, 106] })).toEqual(['field of view', 'intensity']);
    expect(measures({ volumesMl: [2700], reach: [128, 184, 192], entropy: 0.9 })).toEqual([
      'volume',
      'reach',
      'entropy',
    ]);
    expect(measures({ volumesMl: [979], reach: [94, 186, 136] })).toEqual(['reach']);
    expect(measures({ reach: [218, 136, 186] })).toEqual(['reach']);
    expect(measures({ spacing: [12, 3, 3] })).toEqual(['spacing']);
    expect(measures({ heads: 0.54 })).toEqual(['heads']);
    const [{ text }] = doubts({ reach: [94, 186, 136] });
    expect(text).toBe('what was segmented reaches 94 mm from foot to head, source cases 130 to 139 mm');
  });

  it('is held to less where the source had few cases', () => {
    const few = profileOf(source.slice(0, 3));
    expect(doubts({ volumesMl: [2300] }, few)).toEqual([]);
    expect(doubts({ volumesMl: [2700] }, few)).toHaveLength(1);
  });

  it('of another modality is doubted where both are known', () => {
    const known = profileOf(source.map((one) => ({ ...one, modality: 'MR' })));
    expect(doubts({ modality: 'CT' }, known)).toEqual([{ measure: 'modality', text: 'modality CT, source cases MR' }]);
    expect(doubts({ modality: 'MR' }, known)).toEqual([]);
    expect(doubts({ modality: 'CT' })).toEqual([]);
  });
});

it('the modality of a NIfTI file is what the JSON file beside it says', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-modality-'));
  const image = join(folder, 'a.nii.gz');
  const nothing = { modality: undefined, scanner: undefined };
  expect(tagsBeside(image)).toEqual(nothing);
  for (const [text, modality] of [
    ['{"Modality":"MR"}', 'MR'],
    ['{"Modality":7}', undefined],
    ['{"Modality":"a person"}', undefined],
    ['{', undefined],
    ['null', undefined],
  ]) {
    writeFileSync(join(folder, 'a.json'), `${text}`);
    expect(tagsBeside(image)).toEqual({ ...nothing, modality });
  }
  rmSync(folder, { recursive: true });
});

it('a modality that could be a text is not written, nor is that of an earlier image kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-modality-'));
  const image = join(folder, 'a.nii.gz');
  const unnamed = { manufacturer: undefined, model: undefined };
  for (const text of ['Anna Muster', 'OT', '']) {
    writeTagsBeside(image, { ...unnamed, modality: 'MR' });
    expect(readFileSync(join(folder, 'a.json'), 'utf8')).toBe('{\n  "Modality": "MR"\n}\n');
    writeTagsBeside(image, { ...unnamed, modality: text });
    expect(readdirSync(folder)).toEqual([]);
  }
  rmSync(folder, { recursive: true });
});

it('a scanner is the same however its maker is spelled, and is known beside an image that was converted', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-scanner-'));
  const image = join(folder, 'a.nii.gz');
  const header = { modality: 'MR', manufacturer: 'GE MEDICAL SYSTEMS', model: 'SIGNA Premier' };
  writeTagsBeside(image, header);
  expect(tagsBeside(image)).toEqual({ modality: 'MR', scanner: 'ge signa premier' });
  expect(tagsOf({ ...header, manufacturer: 'GE' })).toEqual(tagsBeside(image));
  for (const text of [undefined, '', 'a\nb', 'x'.repeat(65)])
    expect(tagsOf({ ...header, model: text }).scanner, text).toBeUndefined();
  rmSync(folder, { recursive: true });
});

describe('intensities', () => {
  const scaled = (factor: number) => head(3).quantiles!.map((value) => 40 * factor + factor * value);

  it('in another unit are no matter where the scaling follows the volume', () => {
    for (const factor of [0.01, 1, 700]) expect(doubts({ quantiles: scaled(factor) })).toEqual([]);
  });

  it('in another unit are doubted where the scaling is fixed', () => {
    const window = preprocessingSchema.parse({ intensity: { kind: 'window', low: 0, high: 500 } }).intensity;
    const ask = (quantiles: number[]) =>
      doubtsOf({ ...head(3), quantiles }, profile, { classes: ['brain'], intensity: window });
    expect(ask(scaled(1))).toEqual([]);
    expect(ask(scaled(700)).map(({ measure }) => measure)).toEqual(['intensity']);
    expect(ask(head(3).quantiles!.map((value) => value - 1024)).map(({ measure }) => measure)).toEqual(['intensity']);
  });

  it('are known by quantiles, of large volumes by those of evenly spaced voxels', () => {
    expect(quantilesOf(Float32Array.from({ length: 101 }, (_, i) => i))).toEqual([1, 25, 50, 75, 99]);
    const large = quantilesOf(Float32Array.from({ length: 1_000_001 }, (_, i) => i / 10_000));
    for (const [i, share] of [1, 25, 50, 75, 99].entries()) expect(large[i]).toBeCloseTo(share, 2);
  });
});

describe('several classes', () => {
  const classes = ['anterior', 'posterior'];
  const case_ = (a: number, b: number): CaseFacts => ({ ...head(1), volumesMl: [a, b] });
  const known = profileOf([1.2, 1.4, 1.6, 1.8].map((a) => case_(a, 3 - a)));

  it('are told by name where one is missing', () => {
    expect(doubtsOf(case_(0, 3), known, { classes, intensity })).toEqual([
      { measure: 'volume', text: 'anterior: 0.00 ml, source cases 1.20 to 1.80 ml' },
    ]);
    expect(doubtsOf(case_(1.5, 1.5), known, { classes, intensity })).toEqual([]);
  });

  it('may all be absent where source cases had none', () => {
    const lesions = profileOf([case_(0, 0), case_(3, 0), case_(20, 4)]);
    expect(doubtsOf({ ...case_(0, 0), entropy: 900 }, lesions, { classes, intensity })).toEqual([]);
    const useless = profileOf([case_(0, 0), case_(0, 0)]);
    expect(doubtsOf(case_(0, 0), useless, { classes, intensity })).toEqual([
      { measure: 'volume', text: 'segmented nothing, as on every source case' },
    ]);
  });
});

describe('a profile', () => {
  it('is plain data without any name of a case, and stands in a file as it is', () => {
    expect(profileSchema.parse(JSON.parse(JSON.stringify(profile)))).toEqual(profile);
    expect(profile).toMatchObject({ cases: 10, volumeMl: { low: 1150, high: 1690 } });
  });

  it('that is missing, or lacks a part, says what cannot be checked; an empty mask is doubted still', () => {
    expect(uncheckedOf(profile)).toEqual([]);
    expect(uncheckedOf({ cases: 3, volumeMl: { low: 1, high: 2 }, entropy: { low: 1, high: 2 } })).toEqual([
      ...['how far it reaches', 'spacing', 'field of view', 'intensity'],
    ]);
    expect(uncheckedOf(undefined)).toHaveLength(6);
    expect(doubtsOf({ ...head(1), volumesMl: [0] }, undefined, { classes: ['a'], intensity })).toEqual([
      { measure: 'volume', text: 'segmented nothing' },
    ]);
    expect(doubtsOf(head(1), undefined, { classes: ['a'], intensity })).toEqual([]);
  });
});

it('what was segmented is measured by class and along each axis, stray voxels aside', () => {
  const shape: [number, number, number] = [20, 30, 40];
  const labels = new Uint8Array(20 * 30 * 40);
  const set = (z: number, y: number, x: number, label: number) => {
    labels[(z * 30 + y) * 40 + x] = label;
  };
  for (let z = 5; z < 15; z++) for (let y = 10; y < 20; y++) for (let x = 10; x < 30; x++) set(z, y, x, x < 20 ? 1 : 2);
  set(0, 0, 0, 1);
  expect(maskFacts(labels, shape, [2, 1, 0.5], 3)).toEqual({ volumesMl: [1.001, 1, 0], reach: [20, 10, 10] });
  expect(maskFacts(new Uint8Array(8), [2, 2, 2], [1, 1, 1], 1)).toEqual({ volumesMl: [0], reach: [0, 0, 0] });
});
