/** Tables and lists that nobody wrote like this: read or refused by a typed error, soon, whatever their bytes. */
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import { readDataset } from '../../src/data/index.js';
import { readAdaptationRecipe } from '../../src/studies/index.js';
import { errorOf } from '../graft-error.js';
import { temporaryTree } from './tree.js';

const tree = temporaryTree();
const runs = { seed: 7, numRuns: 150 };

/** Reads, or fails as it should. */
function survives(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
  }
}

/** A good text with pieces put in, cut out or doubled, in any encoding. */
const damaged = (good: string) =>
  fc
    .array(
      fc.tuple(
        fc.nat(good.length),
        fc.nat(12),
        fc.oneof(
          fc.constantFrom(
            '"',
            '\n',
            '\r',
            ',',
            ';',
            '\t',
            '\0',
            '\ufeff',
            '{',
            '[',
            ': ',
            '- ',
            '&a ',
            '*a',
            '__proto__',
            '!!js/function x',
            '<<',
            '~',
            '|',
            '>',
          ),
          fc.string({ unit: 'binary', maxLength: 6 }),
        ),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((changes) =>
      changes.reduce((text, [at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length), good),
    )
    .chain((text) =>
      fc.constantFrom(
        Buffer.from(text),
        Buffer.from(text, 'utf16le'),
        Buffer.from(`\ufeff${text}`, 'utf16le'),
        Buffer.from(text, 'latin1'),
      ),
    );

describe('damage of any kind', () => {
  it('to a CSV table', () => {
    tree.image('a.nii.gz');
    const file = tree.put('cases.csv');
    const good =
      'site,case,image,label,patient,split\nleeds,"p,1",a.nii.gz,,anna,train\nleeds,p2,a.nii.gz,n/a,ben,test\n';
    const report = () => {};
    fc.assert(
      fc.property(damaged(good), (bytes) => {
        writeFileSync(file, bytes);
        survives(() => readDataset(file));
        survives(() => readDataset(file, { report }));
      }),
      runs,
    );
  });

  it("to BIDS's participants and to a dataset.json", () => {
    tree.image('bids/sub-01/anat/sub-01_T1w.nii.gz');
    tree.put('bids/dataset_description.json', '{}');
    tree.image('nn/imagesTr/c1_0000.nii.gz');
    tree.label('nn/labelsTr/c1.nii.gz');
    tree.put('msd/.keep');
    const table = 'participant_id\tage\tsite\nsub-01\t3\tleeds\n';
    const list = JSON.stringify({
      labels: { background: 0, organ: 1, ignore: 2 },
      training: [{ image: 'imagesTr/c1_0000.nii.gz', label: 'labelsTr/c1.nii.gz' }],
    });
    fc.assert(
      fc.property(damaged(table), damaged(list), (rows, json) => {
        writeFileSync(tree.at('bids/participants.tsv'), rows);
        survives(() => readDataset(tree.at('bids')));
        for (const name of ['nn', 'msd']) {
          writeFileSync(tree.at(name, 'dataset.json'), json);
          survives(() => readDataset(tree.at(name)));
        }
      }),
      runs,
    );
  });

  it('to a recipe', () => {
    const file = tree.put('recipe.yaml');
    const good =
      'source: a\ntargets: [b, c]\ndata: { root: x }\nseeds: [1, 2]\ntraining:\n  epochs: 3\nmethods:\n  - adabn\n';
    fc.assert(
      fc.property(damaged(good), (bytes) => {
        writeFileSync(file, bytes);
        survives(() => readAdaptationRecipe(file));
      }),
      runs,
    );
    expect(({} as Record<string, unknown>).epochs).toBeUndefined();
  });
});

describe('what is far too large or too deep', () => {
  const refused = (read: () => unknown) => {
    const { code, message } = errorOf(read);
    expect(message.length).toBeLessThan(1000);
    return code;
  };

  it('is refused as a recipe', () => {
    const keys = Array.from({ length: 60_000 }, (_, i) => `a${i}: 1`).join('\n');
    for (const text of [keys, '['.repeat(100_000), '- '.repeat(50_000), '{a: '.repeat(5000)])
      expect(refused(() => readAdaptationRecipe(tree.put('r.yaml', text)))).toBe('RECIPE_UNREADABLE');
  });

  it('is refused as a table or a list', () => {
    const table = (text: string) => refused(() => readDataset(tree.put('t.csv', text)));
    expect(table(`site${',site'.repeat(200_000)}`)).toBe('CSV_INVALID');
    expect(table(`site,case,image,label\n${'x'.repeat(2 ** 22)}`)).toBe('CSV_INVALID');
    expect(table(`site,case,image,label\n"${'a\n'.repeat(2 ** 20)}`)).toBe('CSV_INVALID');
    tree.put('deep/dataset.json', `${'['.repeat(200_000)}${']'.repeat(200_000)}`);
    expect(refused(() => readDataset(tree.at('deep')))).toBe('DATASET_LIST');
  });
});
