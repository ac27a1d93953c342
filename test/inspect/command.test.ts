/** `graft data inspect` as a user meets it: exit codes, JSON, what is written where. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { generatePhantoms } from '../../src/data/index.js';
import { graft, graftProcess } from '../cli/graft.js';
import { temporaryFolder } from '../data/nifti-fixtures.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

beforeAll(() => {
  generatePhantoms(at('data'), { cases: 2, spacing: 8, scanners: ['siemens-t1', 'philips-t2'] });
});

describe('graft data', () => {
  it.each(['inspect', 'check', 'convert'])('%s has help with examples, under its own name', (name) => {
    const { status, stdout } = graft(['data', name, '--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\n  # .+\n  graft data ${name}`));
    expect(stdout).toContain('--json');
  });

  it('names the command whose help tells more', () => {
    expect(graft(['data', 'inspect']).stderr).toContain('hint: Run "graft data inspect --help".');
    expect(graft(['data', 'inspect', 'x', '--layout', 'dcim']).status).toBe(2);
    expect(graft(['data']).stderr).toMatch(/Name a command/);
  });
});

describe('graft data inspect', () => {
  it('exits with 0 where all is in order, and writes the sheet alone', () => {
    const { status, stdout, stderr } = graft(['data', 'inspect', at('data'), '--sheet', at('sheet.png')]);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/4 cases at 2 sites; 4 in order, 4 with a label/);
    expect(existsSync(at('sheet.png'))).toBe(true);
  });

  it('is one JSON document with --json, and exits with 3 where a file is broken', () => {
    mkdirSync(at('data', 'philips-t2', 'images'), { recursive: true });
    writeFileSync(at('data', 'philips-t2', 'images', 'broken.nii'), 'no image');
    const { status, json, stderr } = graftProcess([
      'data',
      'inspect',
      at('data'),
      '--sheet',
      'none',
      '--json',
      '--quiet',
    ]);
    expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
    const { cases, sites, sheet } = json();
    expect([cases.length, sites.length, sheet]).toEqual([5, 2, null]);
    expect(cases[0].faults).toEqual([expect.objectContaining({ code: 'NIFTI_EXPECTED' })]);
  });

  it('is an error without a stack trace where there is nothing to look at', () => {
    const { status, stdout, stderr } = graft(['data', 'inspect', at('nowhere')]);
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toMatch(/^error: .*nowhere.*\nhint: .*\n$/);
  });
});
