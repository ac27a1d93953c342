import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NotRegularFile, readFault, readRegular, readRegularText } from '../../src/core/index.js';
import { readDataset, readVolume, scanDicom } from '../../src/data/index.js';
import { openSafetensors } from '../../src/formats/index.js';
import { readContent } from '../../src/studies/parse.js';
import { errorOf } from '../graft-error.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-regular-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const pipe = (name: string) => {
  execFileSync('mkfifo', [join(folder, name)]);
  return join(folder, name);
};
const reasonOf = (path: string) => {
  try {
    readRegular(path);
  } catch (error) {
    return readFault(error);
  }
  throw new Error('it was read');
};

describe.skipIf(process.platform === 'win32')('files that are not regular', () => {
  it('are not opened: a pipe without a writer would stop graft for ever', () => {
    expect(() => readRegular(pipe('pipe'))).toThrow(NotRegularFile);
    expect(errorOf(() => readVolume(pipe('a.nii.gz'))).message).toContain('it is a named pipe, not a regular file');
    expect(errorOf(() => readContent(pipe('recipe.yaml'))).message).toContain('named pipe');
    expect(errorOf(() => readDataset(pipe('cases.csv'))).message).toContain('named pipe');
    expect(errorOf(() => openSafetensors(pipe('model.safetensors'))).message).toContain('named pipe');
    expect(scanDicom(pipe('IM0001')).series).toEqual([]);
  });

  it('are named for what they are', () => {
    expect(reasonOf(folder)).toBe('it is a folder, not a regular file');
    expect(reasonOf('/dev/null')).toBe('it is a device, not a regular file');
    expect(reasonOf(join(folder, 'absent'))).toBe('there is no such file');
    expect(reasonOf('a\0b')).toContain('NUL');
  });

  it('differ from files, which are read whole', () => {
    writeFileSync(join(folder, 'text'), 'größer');
    expect(readRegularText(join(folder, 'text'))).toBe('größer');
  });
});
