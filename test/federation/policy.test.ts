/** A hospital's policy: what it does not allow is refused with the rule's name. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraftError } from '../../src/core/index.js';
import { checkCases, checkDisk, checkRounds, mayRun } from '../../src/federation/index.js';
import { makeKeys } from '../../src/federation/keys.js';
import { checkStudy, examplePolicy, type Policy, policySchema, readPolicy } from '../../src/federation/policy.js';
import type { Study } from '../../src/federation/study.js';
import { errorOf } from '../graft-error.js';
import { newFolder } from '../new-folder.js';
import { studyOf } from './parties.js';

const rules = Object.keys(policySchema.shape);
const keys = makeKeys(newFolder());
const policyOf = (text: string): Policy => {
  const file = join(newFolder(), 'policy.yaml');
  writeFileSync(file, text);
  return readPolicy(file);
};
const study = (changes: Partial<Study> = {}) => studyOf(keys, changes);

describe('a policy', () => {
  it('that a hospital leaves as it is has the defaults', () => {
    const { threads: _, ...defaults } = policySchema.parse({});
    expect(policyOf(examplePolicy()).rules).toMatchObject(defaults);
    expect(policyOf('').rules).toMatchObject(defaults);
    expect(() => checkStudy(policyOf(''), study())).not.toThrow();
  });

  it('names the rule that a study breaks, what was asked for and what is allowed', () => {
    const { federation } = study();
    const refused = (changes: Partial<Study>, text = '') =>
      errorOf(() => checkStudy(policyOf(text), study(changes))).message;
    expect(refused({ plan: 'full' })).toMatch(
      /the rule plans does not allow it: the study trains the plan full, .*convlora/,
    );
    expect(refused({ federation: { ...federation, rounds: 101 } })).toMatch(/the rule maxRounds .*101 rounds, and 100/);
    expect(refused({ privacy: { metrics: ['loss', 'names'], minCases: 2 } })).toMatch(/the rule metrics .*for names/);
    expect(refused({ base: { ...study().base, bytes: 3e9 } }, 'diskGB: 2')).toMatch(/the rule diskGB .*3 GB .*2 are/);
  });

  it('holds for what only shows later', () => {
    const policy = policyOf('minCases: 5\nmaxRounds: 30\ndiskGB: 1');
    expect(() => [checkCases(policy, study(), 5), checkRounds(policy, 30), checkDisk(policy, 1e9)]).not.toThrow();
    expect(errorOf(() => checkCases(policy, study(), 4)).message).toContain('the rule minCases');
    const more = study({ privacy: { metrics: [], minCases: 8 } });
    expect(errorOf(() => checkCases(policy, more, 7)).message).toContain('7 training cases, and 8 are needed');
    expect(errorOf(() => checkRounds(policy, 31)).message).toContain('the rule maxRounds');
    expect(errorOf(() => checkDisk(policy, 1.2e9)).message).toContain('the rule diskGB');
  });

  it('lets training run in its hours, also over midnight', () => {
    const at = (text: string) => new Date(`2026-11-${text}`); // the 27th is a Friday
    const day = policyOf('hours: { from: "08:00", to: "18:00", days: [fri] }');
    expect(['27T07:59', '27T08:00', '27T17:59', '27T18:00', '28T09:00'].map((time) => mayRun(day, at(time)))).toEqual([
      ...[false, true, true, false, false],
    ]);
    const night = policyOf('hours: { from: "19:00", to: "06:30", days: [fri] }');
    expect(['27T18:59', '27T19:00', '28T06:29', '28T06:30', '28T20:00'].map((time) => mayRun(night, at(time)))).toEqual(
      [...[false, true, true, false, false]],
    );
    expect(mayRun(policyOf(''), at('28T03:00'))).toBe(true);
  });

  it('is read, or refused in one error, whatever the file holds', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(fc.constantFrom(...rules), fc.jsonValue()).map((one) => JSON.stringify(one)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(Object.keys(policyOf(text).rules)).toEqual(rules);
        } catch (error) {
          expect((error as GraftError).code).toMatch(/^SETTINGS_(INVALID|UNKNOWN_KEY)$/);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['maxRound: 3', /the key maxRound is unknown; did you mean maxRounds\?$/],
    ['hours: { from: "19:00", too: "20:00" }', /the key hours.too is unknown; did you mean to\?$/],
    ['hours: { from: 1900, to: "20:00" }', /hours\.from: /],
    ['maxRounds: 0', /maxRounds: /],
    ['plans: []', /plans: /],
    ['- a', /the file: /],
    ['a: &x [1]\nb: *x', /the file: /],
    ['a: [', /the file: /],
    ['# '.padEnd(20_000, 'x'), /more than 16384/],
  ])('is refused where it says %s', (text, message) => {
    const { code, message: found } = errorOf(() => policyOf(text));
    expect(code).toMatch(/^SETTINGS_(INVALID|UNKNOWN_KEY)$/);
    expect(found).toMatch(message);
  });
});
