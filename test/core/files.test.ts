/** What writing promises: whole or absent, no litter that stays, secrets for their owner alone, errors that say why. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  appendText,
  readSecret,
  removeAllLeftovers,
  temporaryBeside,
  writeFileAtomic,
  writeSecret,
} from '../../src/core/index.js';
import { compiled, runModule } from '../child.js';
import { errorOf } from '../graft-error.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'graft-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const linux = process.platform === 'linux';

describe('temporary files', () => {
  it('of a killed process are removed by the next that writes there; those of a living one and others’ files stay', async () => {
    const source = `
      import { temporaryBeside } from ${JSON.stringify(compiled('core/index.js'))};
      import { writeFileSync } from 'node:fs';
      const file = temporaryBeside(${JSON.stringify(join(folder, 'x'))});
      writeFileSync(file, 'half');
      console.log(JSON.stringify(file));`;
    const dead = runModule<string>(source);
    const living = temporaryBeside(join(folder, 'x'));
    const names = [basename(living), 'notes.tmp', '.mine.tmp'];
    for (const name of names) writeFileSync(join(folder, name), '');
    expect(readdirSync(folder)).toContain(basename(dead));
    writeFileAtomic(join(folder, 'result'), 'whole');
    expect(readdirSync(folder).sort()).toEqual([...names, 'result'].sort());
  });

  it('are removed below a folder that is one’s own, also those of earlier versions', () => {
    const below = join(folder, 'results', 'site');
    mkdirSync(below, { recursive: true });
    for (const name of ['.0123456789ab.tmp', basename(temporaryBeside('x')), 'notes.tmp', '.graft.tmp'])
      writeFileSync(join(below, name), '');
    removeAllLeftovers(folder);
    expect(readdirSync(below).sort()).toEqual(['.graft.tmp', 'notes.tmp']);
  });
});

describe('secrets', () => {
  it('are written for their owner alone, whatever the mask, and refused when others may read them', () => {
    const file = join(folder, 'keys', 'key.pem');
    const mask = process.umask(0);
    try {
      writeSecret(file, 'secret');
    } finally {
      process.umask(mask);
    }
    const rights = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect([rights(file), rights(join(folder, 'keys'))]).toEqual(['600', '700']);
    expect(readSecret(file)!.toString()).toBe('secret');
    expect(readSecret(join(folder, 'none'))).toBeUndefined();
    chmodSync(file, 0o640);
    const { code, message, hint } = errorOf(() => readSecret(file));
    expect({ code, message }).toMatchObject({ code: 'SECRET_EXPOSED', message: expect.stringContaining('0640') });
    expect(hint).toContain(`chmod 600 ${file}`);
    chmodSync(file, 0o600); // as the hint says
    expect(readSecret(file)!.toString()).toBe('secret');
  });
});

describe('a write that fails', () => {
  it.runIf(linux)('says that the disk is full, for a whole file and for a line', () => {
    expect(errorOf(() => appendText('/dev/full', 'line\n')).message).toBe(
      '/dev/full: could not be written (the disk is full).',
    );
  });

  it('names the file and leaves nothing', () => {
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'folder'));
    expect(errorOf(() => writeFileAtomic(join(folder, 'file', 'result'), 'x')).code).toBe('WRITE_FAILED');
    const { message } = errorOf(() => writeFileAtomic(join(folder, 'folder'), 'x'));
    expect(message).toBe(`${join(folder, 'folder')}: could not be written (the path is a folder).`);
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder']);
  });

  it('of a process that is not allowed larger files leaves the old file whole', async () => {
    const file = join(folder, 'result');
    writeFileAtomic(file, 'old');
    const source = `
      import { writeFileAtomic } from ${JSON.stringify(compiled('core/index.js'))};
      try { writeFileAtomic(${JSON.stringify(file)}, 'x'.repeat(100_000)); } catch (error) { console.log(error.code); }`;
    const limited = `ulimit -f 8; exec "$0" --input-type=module --eval "$1"`;
    const child = spawn('sh', ['-c', limited, process.execPath, source], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [text] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(text.toString()).toBe('WRITE_FAILED\n');
    expect(readdirSync(folder)).toEqual(['result']);
  });
});
