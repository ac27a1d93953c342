import { describe, expect, it } from 'vitest';
import { nameFault, shownName, shownText } from '../../src/core/index.js';
import { csvOf } from '../../src/data/csv.js';
import { readDataset } from '../../src/data/index.js';
import { recipeSchema } from '../../src/studies/adaptation/recipe.js';
import { classesSchema } from '../../src/studies/dataset.js';
import { fileNameSchema, parseContent, readContent, setByPath } from '../../src/studies/parse.js';
import { errorOf } from '../graft-error.js';
import { temporaryTree } from '../layouts/tree.js';

const tree = temporaryTree();
const bad = [
  ...['', '.', '..', '.hidden', '-rf', ' a', 'a ', 'a.', 'a/b', 'a\\b', '../a', 'a\0b', 'a\nb', 'a\u202eb', '\ud800'],
  ...['<img src=x onerror=alert(1)>', 'a>b', 'a:b', 'a"b', 'a|b', 'a?', 'a*'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'x'.repeat(300), 'ü'.repeat(65)],
];
const good = [
  'p1',
  'Case 01 (repeat)',
  'lju-t2',
  'sub-01_ses-2_T1w',
  'v1.2+b',
  'köln',
  '病院',
  "O'Hara",
  'a & b',
  'CON',
  '=1',
];

describe('names of sites and cases', () => {
  it('may hold letters of any language, digits, spaces and most signs', () => {
    for (const name of good) expect(nameFault(name), name).toBeUndefined();
  });

  it('are refused where they cannot be files on every system, or would be something else in a page or an object', () => {
    for (const name of bad) expect(nameFault(name), JSON.stringify(name)).toEqual(expect.any(String));
  });

  it('follow one rule in data sets and recipes, and a typed error names them', () => {
    tree.image('m/a.nii.gz');
    const table = (site: string, name: string) => {
      const quoted = [site, name].map((text) => `"${text.replaceAll('"', '""')}"`).join();
      return tree.put('cases.csv', `site,case,image,label\n${quoted},m/a.nii.gz,\n`);
    };
    for (const name of bad) {
      expect(fileNameSchema.safeParse(name).success, JSON.stringify(name)).toBe(false);
      // What a table cannot say: cells are trimmed, and an empty one is a fault of its own.
      if (name.trim() !== name || name === '' || name === '\ud800') continue;
      for (const path of [table(name, 'a'), table('s', name)]) {
        const error = errorOf(() => readDataset(path));
        expect(error.code, JSON.stringify(name)).toBe('DATASET_NAME');
        expect(error.message).not.toMatch(/\p{C}/u);
        expect(error.message.length).toBeLessThan(400);
      }
    }
    for (const name of good) expect(readDataset(table(name, name)).sites[0].name).toBe(name);
  });

  it('of folders are looked at, too', () => {
    tree.image('set/<img src=x>/images/a.nii.gz');
    const { message } = errorOf(() => readDataset(tree.at('set')));
    expect(message).toContain('"<img src=x>"');
    expect(message).toContain('cannot name a site: it holds <');
  });

  it('of classes are keys of results', () => {
    expect(classesSchema.safeParse(['GTV/CTV: left', 'größe']).success).toBe(true);
    for (const name of ['__proto__', 'constructor', '', 'a\0'])
      expect(classesSchema.safeParse([name]).success).toBe(false);
  });

  it('are shown in one line', () => {
    expect(shownName('a\n\u0000b')).toBe('a\\u000a\\u0000b');
    expect(shownName('x'.repeat(300))).toHaveLength(60);
  });
});

describe('keys that a user gives', () => {
  it('never reach the objects that all others come from', () => {
    const recipe = tree.put('recipe.yaml', '{}');
    for (const key of ['__proto__.polluted', 'constructor.prototype.polluted', 'training.__proto__.polluted']) {
      const { code, message } = errorOf(() => readContent(recipe, { [key]: 1 }));
      expect([code, message]).toEqual(['RECIPE_INVALID', expect.stringContaining('no setting is called so')]);
      expect(errorOf(() => setByPath({}, key.split('.'), 1)).code).toBe('RECIPE_INVALID');
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('of that kind in a recipe are unknown keys', () => {
    const recipe = tree.put('recipe.yaml', '__proto__: { polluted: 1 }\nsource: a\ntargets: [b]\ndata: { root: x }\n');
    const error = errorOf(() => parseContent(recipeSchema, readContent(recipe), recipe));
    expect(error.code).toBe('RECIPE_UNKNOWN_KEY');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('cannot make a small recipe large', () => {
    const rows = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(i ? 9 : 0)} 1]`);
    expect(errorOf(() => readContent(tree.put('bomb.yaml', rows.join('\n')))).code).toBe('RECIPE_UNREADABLE');
  });
});

describe('tables that graft writes', () => {
  it('hold no formula that a spreadsheet would run; numbers stay numbers', () => {
    const cells = ["=cmd|' /C calc'!A0", '+SUM(A1)', '-2+3', '@x', '\tx', '＝1+1', '-5', '+1.5e-3', 'p-1', 'a,b'];
    const text = csvOf([[...cells, -0.5, null, undefined, true]]);
    expect(text).toBe(`'=cmd|' /C calc'!A0,'+SUM(A1),'-2+3,'@x,'\tx,'＝1+1,-5,+1.5e-3,p-1,"a,b",-0.5,,,true\n`);
  });
});

it('a text of others is shown in one line, and not endless', () => {
  expect(shownText('a\x1b[2K\r\nb\u2028c\u202ed\u{1f600}é')).toBe('a [2K  b c d\u{1f600}é');
  expect(shownText('\u{1f600}'.repeat(600) + 'x'.repeat(1e6)).length).toBe(1000);
  expect(shownText(`x${'\u{1f600}'.repeat(600)}`)).not.toMatch(/\p{Cs}/u); // not half a character
});
