/** The chain of an audit file: what it shows of a change, and what it survives. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type AuditEntry, AuditRecord, appendAudit, findAudit, verifyAudit } from '../../src/audit/index.js';
import { compiled, root } from '../child.js';
import { errorOf } from '../graft-error.js';
import { commandsIn } from './commands-in.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-audit-'));
const file = join(folder, 'graft-audit.jsonl');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => rmSync(file, { force: true }));

const entry = (command: string): AuditEntry => ({
  ...{ at: '2026-01-02T03:04:05.000Z', user: 'meyer', graft: '0.1.0', command, settings: {}, models: {} },
  ...{ inputs: [], outputs: [], warnings: [], outcome: 'done' },
});
const write = (...commands: string[]) => commands.map((command) => appendAudit(file, entry(command)));
const lines = () => readFileSync(file, 'utf8').trimEnd().split('\n');
const put = (changed: string[]) => writeFileSync(file, changed.map((line) => `${line}\n`).join(''));
const broken = () => errorOf(() => verifyAudit(file)).message;

describe('a chain', () => {
  it('links each line to the bytes of the one before, so that sha256sum can check it', () => {
    const hashes = write('convert', 'train', 'predict');
    const digests = lines().map((line) => createHash('sha256').update(line).digest('hex'));
    expect(hashes).toEqual(digests);
    expect(lines().map((line) => JSON.parse(line).previous)).toEqual(['0'.repeat(64), ...digests.slice(0, 2)]);
    expect(verifyAudit(file)).toEqual({ count: 3, head: digests[2] });
    expect(verifyAudit(folder.concat('/graft-audit.jsonl'), { anchor: digests[0] }).count).toBe(3);
  });

  it('shows a line that was changed, removed, added or moved, by the first that does not follow', () => {
    write('one', 'two', 'three', 'four');
    const [a, b, c, d] = lines();
    put([a, b.replace('meyer', 'mayer'), c, d]);
    expect(broken()).toContain('line 3 does not follow');
    put([a, c, d]);
    expect(broken()).toContain('line 2 does not follow');
    put([b, c, d]);
    expect(broken()).toContain('line 1 is not the first');
    put([a, b, b, c, d]);
    expect(broken()).toContain('line 3 does not follow');
    put([a, c, b, d]);
    expect(broken()).toContain('line 2 does not follow');
    put([a, '{"previous": 7}', b, c, d]);
    expect(broken()).toContain('line 2 is not a line that graft wrote');
    put([a, b, c, d]);
    expect(verifyAudit(file).count).toBe(4);
  });

  it('shows by a head that was noted that its end was cut off or its last line changed', () => {
    const [, , third] = write('one', 'two', 'three');
    const [a, b, c] = lines();
    put([a, b]);
    expect(verifyAudit(file).count).toBe(2);
    expect(errorOf(() => verifyAudit(file, { anchor: third })).code).toBe('AUDIT_ANCHOR');
    put([a, b, c.replace('meyer', 'mayer')]);
    expect(verifyAudit(file).count).toBe(3);
    expect(errorOf(() => verifyAudit(file, { anchor: third })).code).toBe('AUDIT_ANCHOR');
  });

  it('goes on after a broken line, which stays the one that is named', () => {
    write('one', 'two');
    put(lines().map((line, i) => (i === 0 ? line.replace('meyer', 'mayer') : line)));
    write('three');
    expect(broken()).toContain('line 2 does not follow');
    expect(commandsIn(file)).toHaveLength(1);
  });
});

describe('a line that a crash cut short', () => {
  it('is named, and removed by the next one, which says so', () => {
    write('one', 'two');
    const cut = readFileSync(file).length - 30;
    truncateSync(file, cut);
    expect(broken()).toContain('line 2 is cut short');
    write('three');
    expect(commandsIn(file).map(({ entry }) => [entry.command, entry.removed])).toEqual([
      ['one', undefined],
      ['three', expect.stringContaining('bytes of a line that was cut short')],
    ]);
    expect(verifyAudit(file).count).toBe(2);
  });

  it('is whole where only its line break is missing', () => {
    write('one', 'two');
    truncateSync(file, readFileSync(file).length - 1);
    expect(verifyAudit(file).count).toBe(2);
    write('three');
    expect(verifyAudit(file).count).toBe(3);
  });

  it('may be anything, also bytes that are no text', () => {
    write('one');
    appendFileSync(file, Buffer.from([0xff, 0xfe, 0]));
    expect(broken()).toContain('line 2 is cut short');
    write('two');
    expect(verifyAudit(file).count).toBe(2);
  });
});

it('loses no line where several processes write at once', async () => {
  const source = `
    import { appendAudit } from '${compiled('audit/index.js')}';
    for (let i = 0; i < 10; i++) appendAudit(${JSON.stringify(file)}, { ...${JSON.stringify(entry('run'))}, user: String(process.pid) });`;
  const ends = [1, 2, 3].map(
    () =>
      new Promise((resolve) =>
        spawn(process.execPath, ['--input-type=module', '--eval', source], { cwd: root, stdio: 'inherit' }).on(
          'exit',
          resolve,
        ),
      ),
  );
  expect(await Promise.all(ends)).toEqual([0, 0, 0]);
  expect(verifyAudit(file).count).toBe(30);
  expect(new Set(commandsIn(file).map(({ entry }) => entry.user)).size).toBe(3);
});

it('is found in the folder of results, or missing there', () => {
  write('one');
  expect(findAudit(folder)).toBe(file);
  rmSync(file);
  expect(errorOf(() => findAudit(folder)).code).toBe('AUDIT_MISSING');
  expect(errorOf(() => findAudit(file)).code).toBe('AUDIT_MISSING');
});

describe('a command that does not end well', () => {
  const attempt = (written: string[]) => {
    using record = new AuditRecord({ command: 'predict', given: { device: 'cpu', out: folder }, audit: file, folder });
    for (const name of written) record.writes(join(folder, name));
    throw new Error('ended');
  };

  it('is noted as unfinished with what it had written', () => {
    writeFileSync(join(folder, 'mask.nii.gz'), 'a mask');
    expect(() => attempt(['mask.nii.gz'])).toThrow('ended');
    const [{ entry }] = commandsIn(file);
    expect(entry).toMatchObject({ outcome: 'unfinished', settings: { device: 'cpu' } });
    expect(entry.outputs.map(({ name }) => name)).toEqual(['mask.nii.gz']);
  });

  it('leaves no line where it had written nothing', () => {
    expect(() => attempt([])).toThrow('ended');
    expect(existsSync(file)).toBe(false);
  });
});
