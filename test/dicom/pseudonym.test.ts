/** Pseudonyms: the same for the same patient and key, and a key that only its user can read. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pseudonymise, pseudonymKey } from '../../src/data/index.js';
import { errorOf } from '../graft-error.js';
import { temporaryFolder } from './fixtures.js';

const root = temporaryFolder();

describe('a pseudonym', () => {
  it('is the HMAC-SHA256 of the identifier (RFC 4231, test case 2)', () => {
    const key = Buffer.from('Jefe');
    expect(pseudonymise('what do ya want for nothing?', key)).toBe('patient-5bdcc146');
  });
});

describe('the key', () => {
  it('is made at first use in the configuration folder, for the user alone, and stays', () => {
    const before = process.env.XDG_CONFIG_HOME;
    process.env.XDG_CONFIG_HOME = join(root, 'config');
    try {
      const key = pseudonymKey();
      expect(key).toHaveLength(32);
      const file = join(root, 'config', 'graft', 'pseudonym.key');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file).equals(key)).toBe(true);
      expect(Buffer.from(pseudonymKey()).equals(key)).toBe(true);
    } finally {
      if (before === undefined) delete process.env.XDG_CONFIG_HOME;
      else process.env.XDG_CONFIG_HOME = before;
    }
  });

  it('differs from one machine to the next', () => {
    const keys = ['a', 'b'].map((name) => Buffer.from(pseudonymKey(join(root, name, 'key'))).toString('hex'));
    expect(keys[0]).not.toBe(keys[1]);
  });

  it('that is damaged is refused, never replaced', () => {
    const file = join(root, 'damaged', 'key');
    mkdirSync(join(root, 'damaged'));
    writeFileSync(file, 'short', { mode: 0o600 });
    expect(errorOf(() => pseudonymKey(file)).code).toBe('PSEUDONYM_KEY');
    expect(readFileSync(file, 'utf8')).toBe('short');
  });
});
