/** What convert notes of DICOM series, and what `graft audit` says of it. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AuditEntry, readAudit } from '../../src/audit/index.js';
import { graft, graftProcess } from '../cli/graft.js';
import { temporaryFolder, writeSeries } from '../dicom/fixtures.js';
import { commandsIn } from './commands-in.js';

const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
const env = { XDG_CONFIG_HOME: at('config') };
const file = at('images', 'graft-audit.jsonl');
const convert = (from: string, ...more: string[]) =>
  graft(['data', 'convert', at(from), '--out', at('images'), ...more], { env });

beforeAll(() => {
  writeSeries(at('PLANTED^NAME', 'whole'), { slices: 3 });
  const change = (i: number) => (i === 2 ? undefined : {});
  writeSeries(at('PLANTED^NAME', 'gap'), { slices: 5, uid: '1.2.826.0.1.77', change });
  expect(convert('PLANTED^NAME').status).toBe(3);
  expect(convert('PLANTED^NAME/whole').status).toBe(0);
});

describe('graft data convert', () => {
  it('notes who made which file of which series, and what could not be used', () => {
    const [{ entry }]: { entry: AuditEntry }[] = commandsIn(file);
    expect(entry).toMatchObject({ user: userInfo().username, command: 'data convert', outcome: 'done', models: {} });
    expect(Math.abs(Date.parse(entry.at) - Date.now())).toBeLessThan(120_000);
    expect(entry.inputs.map(({ name }) => name)).toEqual([
      expect.stringMatching(/^patient-[0-9a-f]{8}_003-[0-9a-f]{8}$/),
      expect.stringMatching(/^patient-[0-9a-f]{8}_003-[0-9a-f]{8}$/),
    ]);
    const [{ name, sha256 }] = entry.outputs;
    expect(entry.outputs).toHaveLength(1);
    expect(sha256).toBe(
      createHash('sha256')
        .update(readFileSync(at('images', name)))
        .digest('hex'),
    );
    expect(entry.warnings.join()).toContain('not converted');
  });

  it('gives the same series the same digest, wherever its files lie', () => {
    const [first, second] = commandsIn(file).map(({ entry }) => entry.inputs);
    expect(first.map(({ sha256 }) => sha256)).toContain(second[0].sha256);
  });

  it('notes nothing of the patient, also where a folder bears the name', () => {
    expect(readFileSync(file, 'utf8')).not.toMatch(/PLANTED/);
  });

  it('notes it in the file that is named', () => {
    expect(convert('PLANTED^NAME/whole', '--audit', at('all.jsonl')).status).toBe(0);
    expect(commandsIn(at('all.jsonl'))).toHaveLength(1);
  });
});

describe('graft audit', () => {
  it('shows a line for every command and the head', () => {
    const { status, stdout } = graft(['audit', 'show', at('images')]);
    expect(status).toBe(0);
    expect(stdout.match(/data convert/g)).toHaveLength(2);
    expect(stdout).toContain(`head: ${readAudit(file).head}`);
    expect(graft(['audit', 'show', at('images'), '--json']).json().entries).toHaveLength(2);
  });

  it('verifies the chain, and an anchor in it', () => {
    const [{ hash }] = commandsIn(file);
    expect(graftProcess(['audit', 'verify', file]).status).toBe(0);
    expect(graft(['audit', 'verify', at('images'), '--anchor', hash]).status).toBe(0);
    const { status, stderr } = graftProcess(['audit', 'verify', file, '--anchor', 'f'.repeat(64)]);
    expect(status).toBe(3);
    expect(stderr).toContain('no line has the hash');
  });

  it('names the first broken link, and shows nothing from there on', () => {
    const forged = at('forged.jsonl');
    writeFileSync(forged, readFileSync(file, 'utf8').replace('"outcome":"done"', '"outcome":"unfinished"'));
    const verified = graft(['audit', 'verify', forged]);
    expect(verified.status).toBe(3);
    expect(verified.stderr).toContain('line 2 does not follow from the one before');
    const shown = graft(['audit', 'show', forged]);
    expect(shown.status).toBe(3);
    expect(shown.stdout.match(/data convert/g)).toHaveLength(1);
    expect(shown.stdout).toContain('broken: line 2');
  });

  it('says where there is no audit file', () => {
    const { status, stderr } = graft(['audit', 'verify', at('PLANTED^NAME')]);
    expect(status).toBe(2);
    expect(stderr).toContain('no audit file (graft-audit.jsonl)');
  });
});
