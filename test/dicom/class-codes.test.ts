/** What classes are called in codes, by name and by a user's file. Codes were looked up with pydicom 3.0. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codesOf } from '../../src/data/dicom/class-codes.js';
import { distinctColour, labOf } from '../../src/data/dicom/colour.js';
import { readSegmentCodes } from '../../src/data/index.js';
import { errorOf } from '../graft-error.js';
import { temporaryFolder } from './fixtures.js';

const root = temporaryFolder();

/** [name, category, type, modifier, region, region's modifier] */
const classes: [string, string, string, ...(string | undefined)[]][] = [
  ['liver', '91723000', '10200004'],
  ['kidney_left', '91723000', '64033007', '7771000'],
  ['RightKidney', '91723000', '64033007', '24028007'],
  ['Kidneys', '91723000', '64033007'],
  ['lung_upper_lobe_left', '91723000', '45653009', '7771000'],
  ['LV', '91723000', '87878005'],
  ['heart_atrium_right', '91723000', '73829009'],
  ['vertebrae_L1', '91723000', '66794005'],
  ['rib_right_3', '91723000', '113197003', '24028007'],
  ['ventricles', '91723000', '35764002'],
  ['hippocampus anterior', '91723000', '5366008', '255549009'],
  ['posterior hippocampus', '91723000', '5366008', '255551008'],
  ['PZ', '91723000', '279706003'],
  ['transition zone', '91723000', '399384005'],
  ['liver_tumour', '49755003', '108369006', undefined, '10200004'],
  ['kidney_cyst_left', '49755003', '367643001', undefined, '64033007', '7771000'],
  ['peritumoural oedema', '49755003', '79654002'],
  ['ventricle', '91723000', '85756007'],
  ['größe', '91723000', '85756007'],
  ['constructor', '91723000', '85756007'],
];

describe('a class is coded by its name:', () => {
  it.each(classes)('%s', (name, ...expected) => {
    const { category, type, modifier, region, regionModifier } = codesOf(name, 0);
    const found = [category, type, modifier, region, regionModifier].map((code) => code?.value);
    expect(found).toEqual(Array.from({ length: 5 }, (_, i) => expected[i]));
  });

  it('unknown ones have colours of their own', () => {
    const colours = Array.from({ length: 12 }, (_, i) => distinctColour(i).join());
    expect(new Set(colours).size).toBe(12);
    expect(codesOf('something', 3).colour).toEqual(distinctColour(3));
  });
});

it('colours are CIELab under D50', () => {
  // The white point, black, and red: L 54.29, a 80.81, b 69.89 (Lindbloom).
  expect([labOf([255, 255, 255]), labOf([0, 0, 0])]).toEqual([
    [65_535, 32_896, 32_896],
    [0, 32_896, 32_896],
  ]);
  const [l, a, b] = labOf([255, 0, 0]);
  expect((100 * l) / 65_535).toBeCloseTo(54.29, 1);
  expect((255 * a) / 65_535 - 128).toBeCloseTo(80.81, 1);
  expect((255 * b) / 65_535 - 128).toBeCloseTo(69.89, 1);
});

describe('a file of codes', () => {
  const file = join(root, 'codes.yaml');

  it('goes before the table and fills what it leaves open from it', () => {
    writeFileSync(
      file,
      `classes:
  - { name: liver, colour: '#0000ff' }
  - name: gtv
    code: { value: '228791009', meaning: Gross tumor volume }
    colour: [10, 20, 30]
  - { name: kidney_left, code: { scheme: 99GRAFT, value: K1, meaning: Left kidney } }
`,
    );
    const codes = readSegmentCodes(file);
    expect(codesOf('liver', 0, codes)).toMatchObject({ type: { value: '10200004' }, colour: [0, 0, 255] });
    expect(codesOf('gtv', 1, codes)).toMatchObject({
      type: { value: '228791009', scheme: 'SCT' },
      colour: [10, 20, 30],
    });
    const kidney = codesOf('kidney_left', 2, codes);
    expect([kidney.type.scheme, kidney.modifier]).toEqual(['99GRAFT', undefined]);
  });

  it.each([
    ['classes: [{ name: a, color: red }]', 'Unrecognized key: "color"'],
    ['classes: [{ name: a, colour: red }]', 'classes.0.colour'],
    ['classes: [{ name: a, code: { value: "1" } }]', 'classes.0.code.meaning'],
    ['classes: [{ name: a }, { name: a }]', 'the class a is there twice'],
    ['classes: [', 'Flow sequence'],
  ])('is refused by what is wrong: %s', (text, problem) => {
    writeFileSync(file, text);
    const error = errorOf(() => readSegmentCodes(file));
    expect(error.code).toBe('DICOM_CODES_INVALID');
    expect(error.message).toContain(problem);
  });

  it('that is not there is an error that names it', () => {
    expect(errorOf(() => readSegmentCodes(join(root, 'none.yaml'))).message).toContain('none.yaml');
  });
});
