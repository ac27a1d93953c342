/** Requests, studies and kits: what was signed is read, and nothing else is. */
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraftError } from '../../src/core/index.js';
import { openSite, readKit, readRequest, requestAdmission, wordsOf } from '../../src/federation/index.js';
import { makeKeys, publicKeysOf, readKeys } from '../../src/federation/keys.js';
import { kitKind } from '../../src/federation/kit.js';
import { makeRequest, requestKind } from '../../src/federation/request.js';
import { type DocumentKind, parseDocument, signed, textOf } from '../../src/federation/signed.js';
import { studyKind } from '../../src/federation/study.js';
import { areWords, checkWords } from '../../src/federation/words.js';
import { errorOf } from '../graft-error.js';
import { newFolder } from '../new-folder.js';
import { inDays, newParties, studyOf } from './parties.js';

const parties = await newParties();
const { folder, siteFolder, site, coordinator, content } = parties;
await requestAdmission('site-a', { folder: siteFolder, out: join(folder, 'site-a.request') });
const kit = textOf(signed(content, coordinator.signing));
const documents: [name: string, kind: DocumentKind<unknown>, text: string][] = [
  ['request', requestKind, readFileSync(join(folder, 'site-a.request'), 'utf8')],
  ['study', studyKind, textOf(studyOf(coordinator))],
  ['kit', kitKind, kit],
];

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

describe.each(documents)('a %s', (name, kind, text) => {
  it('is read as it was written', () => {
    const { signature: _, study, ...written } = JSON.parse(text);
    expect(parseDocument(kind, Buffer.from(text), name)).toMatchObject(written);
    expect(name === 'kit').toBe(study !== undefined);
  });

  it('is refused when one byte of it is another', () => {
    const bytes = Buffer.from(text);
    const passed: number[] = [];
    // Some two hundred of them, in all parts of the document.
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 200)) {
      const changed = Buffer.from(bytes);
      changed[at] ^= 1 << (at % 7);
      try {
        parseDocument(kind, changed, name);
        passed.push(at);
      } catch (error) {
        expect((error as GraftError).code).toBe('DOCUMENT_INVALID');
      }
    }
    expect(passed).toEqual([]);
  });

  it('is refused when it says the same in other words', () => {
    const document = JSON.parse(text);
    const [first, ...rest] = text.split('\n');
    for (const other of [
      JSON.stringify(document),
      `${text}\n`,
      text.trimEnd(),
      `\u{feff}${text}`,
      [first, rest[0], ...rest].join('\n'), // a key twice
    ])
      expect(errorOf(() => parseDocument(kind, Buffer.from(other), name)).code).toBe('DOCUMENT_INVALID');
  });

  it('is refused with a key more, a key less, or too many bytes', () => {
    const { signature: _, ...document } = JSON.parse(text);
    const key = name === 'request' ? site.signing : coordinator.signing;
    const read = (value: object) =>
      errorOf(() => parseDocument(kind, Buffer.from(textOf(signed(value, key))), name)).message;
    expect(read({ ...document, more: 1 })).toMatch(/more/);
    for (const one of Object.keys(document)) expect(read({ ...document, [one]: undefined })).toMatch(/not a/);
    expect(read({ ...document, more: 'x'.repeat(kind.limit) })).toMatch(/bytes, more than/);
  });

  it('of another kind is refused', () => {
    const others = documents.filter(([other]) => other !== name);
    for (const [, , other] of others)
      expect(errorOf(() => parseDocument(kind, Buffer.from(other), name)).code).toBe('DOCUMENT_INVALID');
  });

  it('is the only thing that its parser takes: whatever else comes ends in one error', () => {
    const document = JSON.parse(text);
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((json) => Buffer.from(json)),
      fc
        .tuple(fc.constantFrom(...Object.keys(document)), fc.jsonValue())
        .filter(([key, value]) => JSON.stringify(document[key]) !== JSON.stringify(value))
        .map(([key, value]) => Buffer.from(textOf({ ...document, [key]: value }))),
    );
    fc.assert(
      fc.property(junk, (bytes) => {
        expect(errorOf(() => parseDocument(kind, bytes, name)).code).toBe('DOCUMENT_INVALID');
      }),
      { numRuns: 150 },
    );
  });
});

describe('a request', () => {
  it('carries the name and the public keys, and no private one', async () => {
    const request = await readRequest(join(folder, 'site-a.request'));
    expect(request).toMatchObject({ name: 'site-a', keys: publicKeysOf(site) });
    expect(request.tls.export({ type: 'spki', format: 'pem' })).toContain('PUBLIC KEY');
    expect(readFileSync(join(folder, 'site-a.request'), 'utf8')).not.toContain('PRIVATE');
  });

  it('is refused when it asks for a certificate in another’s name or for another’s key', async () => {
    const other = await makeRequest('site-b', site);
    const stolen = (await makeRequest('site-a', makeKeys(join(newFolder(), 'k')))) as unknown as { tls: string };
    const { signature: _, ...own } = JSON.parse(readFileSync(join(folder, 'site-a.request'), 'utf8'));
    const renamed = textOf(signed({ ...own, tls: (other as unknown as { tls: string }).tls }, site.signing));
    await expect(readRequest(write('renamed', renamed))).rejects.toThrow('for another name');
    // The key of somebody else, without the proof that goes with it.
    const cut = stolen.tls.replace(/^(.*\n.*\n.*)(.)/m, (_, before, one) => `${before}${one === 'A' ? 'B' : 'A'}`);
    await expect(readRequest(write('cut', textOf(signed({ ...own, tls: cut }, site.signing))))).rejects.toThrow(
      'not a site’s request',
    );
  });

  it('is made again with the same keys', async () => {
    const again = join(folder, 'again.request');
    const words = await requestAdmission('site-a', { folder: siteFolder, out: again });
    expect(words).toBe(wordsOf(publicKeysOf(site)));
  });
});

describe('names', () => {
  it.each(['Site', 'site a', '', '-a', 'coordinator', 'broker', 'a'.repeat(41), '../x', 'ä', '__proto__'])(
    'cannot be "%s"',
    async (name) => {
      const asked = requestAdmission(name, { folder: newFolder(), out: join(newFolder(), 'r') });
      await expect(asked).rejects.toMatchObject({ code: 'PARTY_NAME_INVALID' });
    },
  );
});

describe('keys', () => {
  it('are files of their owner alone, and refused otherwise with the command that helps', () => {
    const keys = join(siteFolder, 'keys');
    const modes = readdirSync(keys).map((name) => [name, statSync(join(keys, name)).mode & 0o777]);
    expect(modes).toEqual([
      ['payload.pem', 0o600],
      ['signing.pem', 0o600],
      ['tls.pem', 0o600],
    ]);
    const open = join(newFolder(), 'keys');
    makeKeys(open);
    chmodSync(join(open, 'payload.pem'), 0o640);
    const { code, message, hint } = errorOf(() => readKeys(open));
    expect({ code, hint }).toEqual({
      code: 'SECRET_EXPOSED',
      hint: `Make it yours alone: chmod 600 ${join(open, 'payload.pem')}`,
    });
    expect(message).toContain('0640');
  });

  it('are refused when they are missing, damaged or of another type', () => {
    const keys = join(newFolder(), 'keys');
    expect(errorOf(() => readKeys(keys)).code).toBe('KEY_MISSING');
    makeKeys(keys);
    const tls = readFileSync(join(keys, 'tls.pem'));
    writeFileSync(join(keys, 'signing.pem'), tls);
    expect(errorOf(() => readKeys(keys)).message).toContain(
      'expected a private ed25519 key in PEM, found one of the type P-256',
    );
    writeFileSync(join(keys, 'signing.pem'), 'no key');
    expect(errorOf(() => makeKeys(keys)).code).toBe('KEY_UNUSABLE');
    expect(readFileSync(join(keys, 'signing.pem'), 'utf8')).toBe('no key'); // never replaced
  });

  it('are told apart by six words, however somebody writes them', () => {
    // "printf graft | sha256sum" begins with 4e762e9903: 627, 1419, … in groups of eleven bits.
    expect(wordsOf({ signing: Buffer.from('graft').toString('base64'), payload: '' })).toBe(
      'example ramp play amazing unfair issue',
    );
    const words = wordsOf(publicKeysOf(site));
    expect(words).toMatch(/^([a-z]{3,8} ){5}[a-z]{3,8}$/);
    expect(wordsOf(publicKeysOf(coordinator))).not.toBe(words);
    expect(areWords(` ${words.toUpperCase().replaceAll(' ', ', ')}.`, words)).toBe(true);
    expect(areWords(words.split(' ').slice(0, 5).join(' '), words)).toBe(false);
    expect(errorOf(() => checkWords('zoo zoo', words, 'a.request')).message).toContain(`are "${words}", not "zoo zoo"`);
  });
});

describe('a kit', () => {
  const file = write('site-a.kit', kit);

  it('opens with the keys that it was made for', () => {
    const opened = openSite(file, siteFolder);
    expect(opened).toMatchObject({ name: 'site-a', study: { name: 'brain', plan: 'convlora' } });
    expect(opened.coordinator.words).toBe(wordsOf(publicKeysOf(coordinator)));
    expect(readFileSync(opened.tls.certificate, 'utf8')).toBe(content.certificate);
    expect(kit).not.toContain('PRIVATE');
  });

  it('is refused with other keys, naming the words of both', () => {
    const other = newFolder();
    const keys = makeKeys(join(other, 'keys'));
    const { code, message } = errorOf(() => openSite(file, other));
    expect(code).toBe('KIT_OTHER_KEYS');
    expect(message).toContain(wordsOf(publicKeysOf(site)));
    expect(message).toContain(wordsOf(publicKeysOf(keys)));
  });

  it('is refused when its study was signed by another, though the kit itself is whole', () => {
    const stranger = makeKeys(join(newFolder(), 'keys'));
    const forged = { ...studyOf(stranger), signature: studyOf(coordinator).signature };
    const text = textOf(signed({ ...content, study: forged }, stranger.signing));
    expect(errorOf(() => readKit(write('forged.kit', text))).message).toContain('its signature is wrong');
    const mixed = textOf(signed(content, stranger.signing));
    expect(errorOf(() => readKit(write('mixed.kit', mixed))).message).toContain('its signature is wrong');
  });

  it('is refused when its certificate is not valid now, and of another version of graft', () => {
    expect(errorOf(() => openSite(file, siteFolder, { now: inDays(31) })).code).toBe('CERTIFICATE_EXPIRED');
    const early = errorOf(() => openSite(file, siteFolder, { now: inDays(-9) }));
    expect(early.code).toBe('CERTIFICATE_EARLY');
    expect(early.hint).toContain('clock');
    const study = studyOf(coordinator, { graft: '99.1.0' });
    const later = write('later.kit', textOf(signed({ ...content, study }, coordinator.signing)));
    expect(errorOf(() => openSite(later, siteFolder)).code).toBe('STUDY_OTHER_VERSION');
  });

  it('of another coordinator is refused where the policy names one', () => {
    const policy = join(siteFolder, 'policy.yaml');
    const before = readFileSync(policy, 'utf8');
    writeFileSync(policy, `${before}coordinator: ${wordsOf(publicKeysOf(coordinator))}\n`);
    expect(openSite(file, siteFolder).name).toBe('site-a');
    writeFileSync(policy, `${before}coordinator: ${wordsOf(publicKeysOf(site))}\n`);
    expect(errorOf(() => openSite(file, siteFolder)).code).toBe('COORDINATOR_OTHER');
    writeFileSync(policy, before);
  });
});
