/** A journal: every act a signed line, and what it shows of a change. */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { lineOf } from '../../src/audit/chain.js';
import { type ActEntry, findAudit, Journal, journalName, readAudit, verifyAudit } from '../../src/audit/index.js';
import { signedLine } from '../../src/audit/signature.js';
import { compiled, root } from '../child.js';
import { graft } from '../cli/graft.js';
import { errorOf } from '../graft-error.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-journal-'));
const file = join(folder, journalName);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => rmSync(file, { force: true }));

const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
const publicText = (own: KeyObject) => own.export({ type: 'spki', format: 'der' }).toString('base64');
const open = (options: { file?: string; by?: string; key?: KeyObject } = {}) =>
  new Journal({ file, by: 'site-a', key, ...options });
const hash = 'ab'.repeat(32);
/** Three acts. @returns their hashes */
const write = (journal = open()): string[] => [
  journal.note({ act: 'study.opened', hashes: { study: hash } }),
  journal.note({ act: 'task.received', round: 1, hashes: { task: hash }, bytes: 812 }),
  journal.note({ act: 'update.sent', round: 1, hashes: { update: hash }, bytes: 7_400_000 }),
];
const text = () => readFileSync(file, 'utf8');
const acts = () => readAudit(file).lines.map(({ entry }) => entry as ActEntry);
const broken = () => errorOf(() => verifyAudit(file)).message;

describe('a journal', () => {
  it('says who did what, when and over which bytes, and goes on where it is opened again', () => {
    const journal = open();
    expect(journal.head).toBeUndefined();
    const [, , third] = write(journal);
    expect(journal.head).toBe(third);
    expect(open().head).toBe(third);
    const fourth = open().note({ act: 'stopped', reason: 'the signal\nTERM came' });
    expect(acts()[2]).toMatchObject({ by: 'site-a', act: 'update.sent', round: 1, hashes: { update: hash } });
    expect(acts()[3].reason).toBe('the signal TERM came');
    expect(Math.abs(Date.parse(acts()[0].at) - Date.now())).toBeLessThan(120_000);
    const signed = { by: 'site-a', key: publicText(publicKey) };
    expect(verifyAudit(file)).toEqual({ count: 4, head: fourth, signed, witnessed: undefined });
  });

  it('shows every byte that is changed', () => {
    write();
    const whole = readFileSync(file);
    const breaks = text().indexOf('\n');
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] ^= 1;
      writeFileSync(file, changed);
      const line = at <= breaks ? /line [12] / : /line [123] /;
      expect(broken(), `byte ${at}`).toMatch(line);
    }
  });

  it('names the first line that was changed, removed, added, moved or written by somebody else', () => {
    write();
    const [a, b, c] = text().trimEnd().split('\n');
    const put = (...lines: string[]) => writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    put(a, b.replace('"bytes":812', '"bytes":813'), c);
    expect(broken()).toContain('line 2 is not signed with the key that the first line names');
    put(a, c);
    expect(broken()).toContain('line 2 does not follow from the one before');
    put(b, c);
    expect(broken()).toContain('line 1 is not the first of a chain');
    put(a, b.replace(/,"signature".*/, '}'), c);
    expect(broken()).toContain('line 2 is not signed');

    rmSync(file);
    write(open({ key: generateKeyPairSync('ed25519').privateKey }));
    expect(verifyAudit(file).count).toBe(3); // by itself it is in order
    expect(errorOf(() => verifyAudit(file, { key: publicText(publicKey) })).message).toContain('line 1 names the key');
    expect(errorOf(() => open()).code).toBe('JOURNAL_OTHER_KEY');
  });

  it('cannot be replaced by lines that nobody has signed', () => {
    write();
    const unsigned = JSON.stringify({ previous: '0'.repeat(64), at: '', by: '', user: '', graft: '', act: 'stopped' });
    writeFileSync(file, `${unsigned}\n`);
    expect(broken()).toContain('line 1 names no key');
    const command = { at: '', user: '', graft: '', command: '', outcome: '', models: {} };
    const lists = { inputs: [], outputs: [], warnings: [] };
    writeFileSync(file, `${JSON.stringify({ previous: '0'.repeat(64), ...command, ...lists })}\n`);
    expect(broken()).toContain('line 1 is not of a journal');
  });

  it('whose end is cut off is found by a head that was noted, and by whoever was told it', () => {
    const other = join(folder, 'other.jsonl');
    const [, second, third] = write();
    const told = new Journal({ file: other, by: 'coordinator', key: generateKeyPairSync('ed25519').privateKey });
    told.note({ act: 'update.accepted', subject: 'site-a', heads: { 'site-a': second, 'site-b': hash } });
    told.note({ act: 'update.accepted', subject: 'site-a', heads: { 'site-a': third } });
    expect(verifyAudit(file, { anchor: third, witness: other }).witnessed).toBe(2);

    const [a, b] = text().split('\n');
    writeFileSync(file, `${a}\n${b}\n`);
    expect(verifyAudit(file).count).toBe(2);
    expect(errorOf(() => verifyAudit(file, { anchor: third })).code).toBe('AUDIT_ANCHOR');
    const { code, message } = errorOf(() => verifyAudit(file, { witness: other }));
    expect(code).toBe('AUDIT_WITNESS');
    expect(message).toContain(`${other} was told (line 2)`);
    rmSync(other);
  });

  it('that was emptied is not whole, whatever it is compared with', () => {
    const other = join(folder, 'other.jsonl');
    const [, , third] = write();
    const told = new Journal({ file: other, by: 'coordinator', key: generateKeyPairSync('ed25519').privateKey });
    told.note({ act: 'update.accepted', subject: 'site-a', heads: { 'site-a': third } });
    const empty = join(folder, 'copy.jsonl'); // whatever it is called
    for (const path of [file, empty]) {
      writeFileSync(path, '');
      for (const against of [{ key: publicText(publicKey) }, { anchor: third }, { witness: other }]) {
        const { code, message } = errorOf(() => verifyAudit(path, against));
        expect([code, message]).toEqual(['AUDIT_BROKEN', expect.stringContaining('line 1 is missing')]);
      }
    }
    expect(broken()).toContain('line 1 is missing');
    rmSync(file);
    write();
    expect(errorOf(() => verifyAudit(file, { witness: empty })).code).toBe('AUDIT_BROKEN');
    for (const path of [other, empty]) rmSync(path);
  });

  it('that was written anew under another name is found by whoever was told of it', () => {
    const other = join(folder, 'other.jsonl');
    const told = new Journal({ file: other, by: 'coordinator', key: generateKeyPairSync('ed25519').privateKey });
    told.note({ act: 'update.accepted', subject: 'site-a', heads: { 'site-a': write()[2] } });
    rmSync(file);
    write(open({ by: 'Site-A' }));
    expect(verifyAudit(file).count).toBe(3); // by itself it is in order
    const { code, message } = errorOf(() => verifyAudit(file, { witness: other }));
    expect(code).toBe('AUDIT_UNWITNESSED');
    expect(message).toContain(`${other} was told nothing of a journal of Site-A`);
    rmSync(other);
  });

  it('is of one party: no other name is added to it, or believed in it', () => {
    write();
    expect(errorOf(() => open({ by: 'site-b' }))).toMatchObject({
      ...{ code: 'JOURNAL_OTHER_NAME', message: expect.stringContaining('is the journal of site-a') },
    });
    const { head } = readAudit(file);
    const entry = { at: '2026-01-02T03:04:05.000Z', by: 'site-b', act: 'stopped', user: 'meyer', graft: '0.1.0' };
    appendFileSync(file, `${signedLine(lineOf(head, entry), key)}\n`);
    expect(broken()).toContain('line 4 is of site-b, in the journal of site-a');
  });

  it('that is cut while it is in use says so for good', () => {
    const journal = open();
    write(journal);
    truncateSync(file, text().indexOf('\n') + 1);
    journal.note({ act: 'stopped' });
    expect(broken()).toContain('line 2 does not follow from the one before');
    write(journal);
    expect(broken()).toContain('line 2 does not follow from the one before');
  });
});

describe('a damaged journal', () => {
  it.each<[string, (lines: string[]) => string[], RegExp]>([
    [
      'a line that was changed',
      ([a, b, c]) => [a, b.replace('"bytes":812', '"bytes":813'), c],
      /line 3 does not follow/,
    ],
    ['a line that is gone', ([a, , c]) => [a, c], /line 2 does not follow/],
    ['a last line that was changed', ([a, b, c]) => [a, b, c.replace('7400000', '7400001')], /line 3 is not signed/],
    ['what is no line', ([a, b, c]) => [a, b, c, '{}'], /line 4 is not a line/],
  ])('with %s is not added to: the message says what to do', (_, change, message) => {
    write();
    writeFileSync(file, `${change(text().trimEnd().split('\n')).join('\n')}\n`);
    const error = errorOf(() => open());
    expect(error).toMatchObject({ code: 'JOURNAL_DAMAGED', message: expect.stringMatching(message) });
    expect(error.hint).toContain('move this file away');
  });

  it('is told from an act that is missing: what is there is found, whatever heads it was noted with', () => {
    const journal = open();
    const act = { act: 'update.accepted', subject: 'site-a', round: 1, hashes: { update: hash }, bytes: 9 } as const;
    expect(journal.holds(act)).toBe(false);
    journal.note({ ...act, reason: 'a\nb', heads: { 'site-a': hash } });
    expect(journal.holds({ ...act, reason: 'a\nb' })).toBe(true);
    expect(journal.holds({ ...act, round: 2 })).toBe(false);
    expect(journal.holds({ ...act, hashes: { update: hash.replace('a', 'c') } })).toBe(false);
  });
});

describe('a crash', () => {
  it('that cuts a line short is named, and told by the next line', () => {
    write();
    const cut = readFileSync(file).length - 30;
    truncateSync(file, cut);
    expect(broken()).toContain('line 3 is cut short');
    open().note({ act: 'started' });
    expect(acts()[2]).toMatchObject({ act: 'started', removed: expect.stringContaining('cut short') });
    expect(verifyAudit(file).count).toBe(3);
  });

  it('in the first line leaves nothing that the journal would hang on', () => {
    appendFileSync(file, '{"previous":"000');
    write();
    expect(verifyAudit(file).count).toBe(3);
  });

  it('at any moment loses no act that was noted, beside another process that goes on', async () => {
    const pem = JSON.stringify(key.export({ type: 'pkcs8', format: 'pem' }));
    const source = `
      import { createPrivateKey } from 'node:crypto';
      import { Journal } from '${compiled('audit/index.js')}';
      const journal = new Journal({ file: ${JSON.stringify(file)}, by: 'site-a', key: createPrivateKey(${pem}) });
      for (;;) console.log(journal.note({ act: 'started', subject: String(process.pid) }));`;
    const start = (): ChildProcess & { told: string } => {
      const child = Object.assign(spawn(process.execPath, ['--input-type=module', '--eval', source], { cwd: root }), {
        told: '',
      });
      child.stdout.on('data', (data) => {
        child.told += data;
      });
      return child;
    };
    const children = [start(), start()];
    for (const [i, child] of children.entries()) {
      while (child.told.split('\n').length < 20 + 10 * i) await new Promise((resolve) => setTimeout(resolve, 5));
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await closed;
    }
    const before = readFileSync(file);
    open().note({ act: 'stopped' });
    const hashes = new Set(readAudit(file).lines.map((line) => line.hash));
    for (const child of children)
      for (const told of child.told.split('\n').slice(0, -1)) expect(hashes).toContain(told);
    expect(verifyAudit(file).count).toBe(hashes.size);
    expect(readFileSync(file).subarray(0, before.lastIndexOf(10) + 1)).toEqual(
      before.subarray(0, before.lastIndexOf(10) + 1),
    );
  });
});

describe('graft audit', () => {
  it('finds the journal of a folder, shows its acts, and verifies it', () => {
    const [, , third] = write();
    expect(findAudit(folder)).toBe(file);
    const shown = graft(['audit', 'show', folder]);
    expect(shown.status).toBe(0);
    expect(shown.stdout).toMatch(/update\.sent .*1 .*7400000 .*update abababab/);
    const verified = graft(['audit', 'verify', folder, '--key', publicText(publicKey), '--anchor', third]);
    expect(verified.status).toBe(0);
    expect(verified.stdout).toContain(`signed by site-a with the key ${publicText(publicKey)}`);

    writeFileSync(file, text().replace('7400000', '7400001'));
    const changed = graft(['audit', 'verify', folder]);
    expect(changed.status).toBe(3);
    expect(changed.stderr).toContain('line 3 is not signed');
    expect(existsSync(file)).toBe(true);
  });
});
