/** Two processes never work in one run's folder; a killed one does not bar it. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownMark } from '../../src/core/index.js';
import { lockFolder } from '../../src/core/lock.js';
import { compiled, root } from '../child.js';
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
const linux = process.platform === 'linux';

describe('the lock of a run’s folder', () => {
  it('is this process’s own, once and again', () => {
    lockFolder(folder);
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
    expect(readdirSync(folder)).toEqual(['lock.json']);
  });

  it('is refused while another process lives, and taken over from a killed one', async () => {
    heldBy({ pid: other.pid, host: hostname() }); // as earlier versions wrote it
    expect(errorOf(() => lockFolder(folder))).toMatchObject({ code: 'RUN_IN_USE' });
    other.kill('SIGKILL');
    await once(other, 'exit');
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
  });

  it.runIf(linux)('of a process whose number was given out again is taken over', () => {
    heldBy({ ...ownMark(), pid: other.pid, started: '1' });
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
  });

  it.runIf(linux)('from before the machine was started anew is taken over', () => {
    heldBy({ ...ownMark(), pid: other.pid, boot: 'another' });
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
  });

  it('of another machine is not judged from here; what the hint says helps', () => {
    heldBy({ pid: 1, host: 'elsewhere' });
    const { message, hint } = errorOf(() => lockFolder(folder));
    expect(message).toContain('elsewhere');
    expect(hint).toContain(`delete ${file()}`);
    rmSync(file());
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
  });

  it.each(['{', '', '{"pid":"x"}'])('that is no lock (%j) bars nothing', (text) => {
    writeFileSync(file(), text);
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
  });

  it('whose taking over was killed half-way is taken over', async () => {
    const dead = await ended();
    heldBy({ pid: dead, host: hostname() });
    const name = createHash('sha256').update(readFileSync(file())).digest('hex').slice(0, 12);
    const claim = `${file()}.${name}`;
    writeFileSync(claim, JSON.stringify({ pid: other.pid, host: hostname() }));
    expect(errorOf(() => lockFolder(folder)).code, 'while another takes it over').toBe('RUN_IN_USE');
    writeFileSync(claim, JSON.stringify({ pid: dead, host: hostname() }));
    lockFolder(folder);
    expect(holder().pid).toBe(process.pid);
    expect(readdirSync(folder)).toEqual(['lock.json']);
  });
});

/** The number of a process that has ended. */
async function ended(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

describe('many processes that want a folder at once', () => {
  it('are let in one alone, each time, where a killed one left its lock', async () => {
    const dead = { pid: await ended(), host: hostname() };
    const folders = Array.from({ length: 60 }, (_, i) => join(folder, `run${i}`));
    for (const [i, run] of folders.entries()) {
      mkdirSync(run);
      if (i % 3 > 0) writeFileSync(join(run, 'lock.json'), i % 3 === 1 ? JSON.stringify(dead) : 'no lock');
    }
    const args = [compiled('core/lock.js'), ...folders];
    const children = Array.from({ length: 6 }, () => fork(join(root, 'test/core/race.mjs'), args));
    await Promise.all(children.map((child) => once(child, 'message')));
    const answers = children.map((child) => once(child, 'message'));
    for (const child of children) child.send(Date.now() + 100);
    const got = (await Promise.all(answers)).flatMap(([mine]) => mine as string[]);
    for (const child of children) child.send('end');
    await Promise.all(children.map((child) => once(child, 'exit')));
    expect(got.sort()).toEqual(folders.sort());
    expect(folders.flatMap((run) => readdirSync(run))).toEqual([]);
  }, 30_000);
});
