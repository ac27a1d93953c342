/** Two processes never work in one run's folder; a killed one does not bar it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/runs/lock.js';
import { errorOf } from '../graft-error.js';

let folder: string;
let other: ChildProcess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graft-lock-'));
  other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(other, 'spawn');
});
afterEach(() => {
  other.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});
const file = () => join(folder, 'lock.json');
const heldBy = (holder: object) => writeFileSync(file(), JSON.stringify(holder));
const holder = () => JSON.parse(readFileSync(file(), 'utf8')) as { pid: number; host: string };

describe('the lock of a run’s folder', () => {
  it('is this process’s own, once and again', () => {
    lockFolder(folder);
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
  });

  it('is refused while another process lives, and taken over from a killed one', async () => {
    lockFolder(folder);
    heldBy({ ...holder(), pid: other.pid });
    expect(errorOf(() => lockFolder(folder))).toMatchObject({ code: 'RUN_IN_USE' });
    other.kill('SIGKILL');
    await once(other, 'exit');
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
  });

  it('of another machine is not judged from here', () => {
    heldBy({ pid: 1, host: 'elsewhere' });
    expect(errorOf(() => lockFolder(folder)).hint).toContain('lock.json');
  });

  it('that is no lock bars nothing', () => {
    writeFileSync(file(), '{');
    lockFolder(folder);
    expect(existsSync(file())).toBe(true);
    expect(holder().pid).toBe(process.pid);
  });
});
