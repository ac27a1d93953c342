/** Who holds the key and the images finds a pseudonym's patient; the audit file says that somebody looked, not whom. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { scanDicom, whois } from '../../src/data/index.js';
import { commandsIn } from '../audit/commands-in.js';
import { graft } from '../cli/graft.js';
import { errorOf } from '../graft-error.js';
import { key, temporaryFolder, writeSeries } from './fixtures.js';

const root = temporaryFolder();
const images = join(root, 'export');
const keyFile = join(root, 'config/graft/pseudonym.key');
const ask = (...args: string[]) =>
  graft(['data', 'whois', ...args], { cwd: root, env: { XDG_CONFIG_HOME: join(root, 'config') } });
const pseudonymOf = (id: string) =>
  scanDicom(join(images, id), { key }).series.map(({ patient, series }) => ({ patient, series }))[0];

beforeAll(() => {
  for (const [i, id] of ['PLANTED-A', 'PLANTED-B'].entries()) {
    const change = () => ({ PatientID: id, PatientName: `PLANTED^${id}` });
    writeSeries(join(images, id), { slices: 2, uid: `1.2.826.0.1.99.${i}`, change });
  }
  mkdirSync(join(root, 'config/graft'), { recursive: true });
  writeFileSync(keyFile, key, { mode: 0o600 });
});

it('finds the patient of a pseudonym, of a series, and of a file that is named by both', () => {
  const { patient, series } = pseudonymOf('PLANTED-B');
  for (const name of [patient, `${patient}_${series}`, `predictions/${patient}_${series}_e2.nii.gz`]) {
    const [person, ...more] = whois(name, images, keyFile);
    expect(more).toEqual([]);
    expect(person).toMatchObject({ patientId: 'PLANTED-B', patientName: 'PLANTED^PLANTED-B', birthDate: '19440229' });
    expect(person.series).toHaveLength(1);
  }
  expect(whois(series, images, keyFile).length).toBeGreaterThan(0);
});

it('answers by the command, after it noted in the audit file that it was asked', () => {
  const { patient, series } = pseudonymOf('PLANTED-A');
  const { status, stdout } = ask(patient, images);
  expect(status).toBe(0);
  expect(stdout).toContain('PLANTED-A');
  const file = join(root, 'graft-audit.jsonl');
  expect(readFileSync(file, 'utf8')).not.toContain('PLANTED');
  const [{ entry }] = commandsIn(file);
  expect(entry).toMatchObject({ command: 'data whois', outcome: 'done', inputs: [{ name: `${patient}_${series}` }] });
});

it('says nothing where that cannot be noted', () => {
  const { patient } = pseudonymOf('PLANTED-A');
  const { status, stdout, stderr } = ask(patient, images, '--audit', join(keyFile, 'audit.jsonl'));
  expect(status).toBe(6);
  expect(stdout + stderr).not.toContain('PLANTED');
});

it('makes no key, takes none that others can read, and knows nobody under another', () => {
  const { patient } = pseudonymOf('PLANTED-A');
  expect(errorOf(() => whois(patient, images, join(root, 'none'))).code).toBe('PSEUDONYM_KEY_MISSING');
  const other = join(root, 'other.key');
  writeFileSync(other, new Uint8Array(32).fill(8), { mode: 0o600 });
  expect(errorOf(() => whois(patient, images, other)).code).toBe('PSEUDONYM_UNKNOWN');
  chmodSync(other, 0o644);
  expect(errorOf(() => whois(patient, images, other)).code).toBe('SECRET_EXPOSED');
  expect(errorOf(() => whois('Meyer', images, keyFile)).code).toBe('PSEUDONYM_INVALID');
});
