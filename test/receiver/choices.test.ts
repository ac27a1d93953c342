/** Who may send to a receiver, and which model a series gets. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Callers } from '../../src/receiver/callers.js';
import { readRules, ruleFor } from '../../src/receiver/rules.js';
import { temporaryFolder } from '../dicom/fixtures.js';

const root = temporaryFolder();
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('callers', () => {
  const callers = new Callers(['CT 1@10.0.0.7', 'PACS@10.1.0.0/16', 'PACS@fd00::/8'], '0.0.0.0');

  it.each([
    ['CT 1', '10.0.0.7', true],
    ['CT 1', '::ffff:10.0.0.7', true],
    ['CT 1', '10.0.0.8', false],
    ['CT 1', '10.1.0.1', false],
    ['CT 2', '10.0.0.7', false],
    ['PACS', '10.1.200.3', true],
    ['PACS', 'fd00::17', true],
    ['PACS', '10.2.0.1', false],
    ['PACS', '', false],
  ])('%s from %s: %s', (title, address, admitted) => {
    expect(callers.admits({ title, address })).toBe(admitted);
  });

  it('are this machine’s programs alone where none is named, and then no other address is listened at', () => {
    const nobody = new Callers([], '127.0.0.1');
    expect([nobody.admits({ title: 'ANY', address: '127.0.0.1' }), nobody.knows('10.0.0.7')]).toEqual([true, false]);
    expect(() => new Callers([], '0.0.0.0')).toThrowError(code('RECEIVER_OPEN'));
  });

  it.each(['CT1', '@10.0.0.7', 'CT1@scanner.example.org', 'CT1@10.0.0.0/33', 'A TITLE THAT IS TOO LONG@10.0.0.7'])(
    'are not named by %s',
    (caller) => {
      expect(() => new Callers([caller], '0.0.0.0')).toThrowError(code('RECEIVER_CALLER'));
    },
  );
});

describe('rules', () => {
  const read = (text: string) => {
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'rules.yaml'), text);
    return readRules(join(root, 'rules.yaml'));
  };
  const words = {
    modality: 'MR',
    manufacturer: 'SIEMENS',
    device: 'Skyra',
    bodyPart: '',
    protocol: 'HEAD',
    series: 'T1 mprage sag',
    study: '',
  };

  it('are asked in their order, with paths from their file’s folder', () => {
    const rules = read(
      'rules:\n  - { when: { modality: CT }, model: ct.safetensors }\n' +
        '  - { when: { modality: [PT, MR], series: "*MPRAGE*" }, model: a/mr.safetensors, adapters: /adapters, certainty: 0.9 }\n' +
        '  - model: rest.safetensors\n',
    );
    expect(ruleFor(rules, words)).toMatchObject({
      ...{ model: join(root, 'a/mr.safetensors'), adapters: { folder: '/adapters', certainty: 0.9 } },
    });
    expect(ruleFor(rules, { ...words, modality: 'CT' })?.model).toBe(join(root, 'ct.safetensors'));
    expect(ruleFor(rules, { ...words, series: 'scout' })?.model).toBe(join(root, 'rest.safetensors'));
    expect(ruleFor(rules.slice(0, 2), { ...words, series: 'scout' })).toBeUndefined();
  });

  it.each([
    ['t1*sag', true],
    ['T1', false],
    ['*', true],
    ['t1 mprage sag*sag', false],
    ['*m*p*s*', true],
    ['*x*', false],
    ['t1.mprage.sag', false],
  ])('the pattern %s: %s', (pattern, follows) => {
    const rules = read(`rules:\n  - { when: { series: ${JSON.stringify(pattern)} }, model: m }\n`);
    expect(ruleFor(rules, words) !== undefined).toBe(follows);
  });

  it.each([
    ['', 'the file'],
    ['rules: []', 'rules'],
    ['rules: [{ when: { patient: DOE }, model: m }]', 'patient'],
    ['rules: [{ when: { modality: CT } }]', 'model'],
    ['rules: [{ model: m, adapter: a, adapters: b }]', 'exclude'],
  ])('%s are refused, and the message says where', (text, where) => {
    expect(() => read(text)).toThrowError(code('RULES_INVALID'));
    expect(() => read(text)).toThrowError(where);
  });
});
