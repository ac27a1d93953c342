/** What a command writes takes the place of an older one of its kind, and of nothing else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatePhantoms } from '../../src/data/index.js';
import { temporaryFolder } from '../data/nifti-fixtures.js';
import { graft } from './graft.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
generatePhantoms(at('data'), { cases: 1, spacing: 8, scanners: ['siemens-t1'] });
const labels = at('data', 'siemens-t1', 'labels');
const label = join(labels, 'patient01.nii.gz');
writeFileSync(at('table.csv'), 'site,case,image,label\n');
writeFileSync(at('notes.txt'), 'of a person');

describe('a file that is there', () => {
  it.each([
    ['a label, by a table of scores', ['evaluate', labels, labels], '--csv', label],
    ['the table of a data set, by one of scores', ['evaluate', labels, labels], '--csv', at('table.csv')],
    ['a label, by a picture', ['data', 'inspect', at('data')], '--sheet', label],
    ['a label, by a page', ['page', at('data')], '--out', label],
    ['a label, by a comparison', ['compare', at('data')], '--html', label],
    ['notes, by a line of an audit', ['data', 'convert', at('data'), '--out', at('new')], '--audit', at('notes.txt')],
    ['notes, by a kit', ['federation', 'admit', at('data'), at('x')], '--out', at('notes.txt')],
    ['notes, by a request', ['site', 'request', '--name', 'a', '--folder', at('site')], '--out', at('notes.txt')],
  ])('is not replaced: %s', (_, args, option, file) => {
    const before = readFileSync(file);
    const { status, stderr } = graft([...args, option, file]);
    expect(stderr).toMatch(/there is a file already that is no /);
    expect(stderr).toContain(option);
    expect(status).toBe(2);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('is replaced where it is an older one, or empty', () => {
    const evaluate = () => graft(['evaluate', labels, labels, '--csv', at('scores')]).status;
    writeFileSync(at('scores'), '');
    for (let i = 0; i < 2; i++) expect(evaluate()).toBe(0);
    expect(readFileSync(at('scores'), 'utf8')).toContain('patient01,foreground,1');
    const inspect = () => graft(['data', 'inspect', at('data'), '--sheet', at('sheet')]).status;
    for (let i = 0; i < 2; i++) expect(inspect()).toBe(0);
  });

  it('is not the report of one of the runs that are put side by side', () => {
    for (const [command, option] of [
      ['page', '--out'],
      ['compare', '--html'],
    ])
      expect(graft([command, at('a'), at('b'), option, at('b', 'report.html')])).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('is the report of'),
      });
  });
});
