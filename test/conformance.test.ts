/** The conformance runner as its users start it: a line for each golden case, a summary, and the exit code. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../src/formats/index.js';
import { root, runNode } from './child.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-conformance-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...folders: string[]) => {
  const { status, stdout, stderr } = runNode([join(root, 'dist/conformance/main.js'), ...folders]);
  const lines = stdout.trim().split('\n');
  return { status, stderr, cases: lines.slice(0, -1), summary: lines.at(-1) };
};
/** A copy of a golden case that a test may spoil. */
const copyOf = (name: string, as: string) => {
  const target = join(folder, as);
  cpSync(join(root, 'test/golden', name), target, { recursive: true });
  return target;
};
describe('the conformance runner', () => {
  it('passes every golden case', () => {
    const { status, stderr, cases, summary } = run('test/golden');
    expect(
      cases.map((line) =>
        line
          .replace(/ \(rounding: .* in float64\)/, '')
          .split(/\s+/)
          .toSpliced(2, 1),
      ),
    ).toEqual([
      ['test/golden/convlora-coupled-labels', 'convlora-step', 'pass'],
      ['test/golden/convlora-encoder', 'convlora-step', 'pass'],
      ['test/golden/convlora-init-path', 'convlora-step', 'pass'],
      ['test/golden/lora-aggregate', 'lora-aggregate', 'pass'],
      ['test/golden/metrics', 'metrics', 'pass'],
      ['test/golden/sam-checkpoint', 'sam-checkpoint', 'pass'],
      ['test/golden/sam-checkpoint-legacy', 'sam-checkpoint', 'pass'],
      ['test/golden/sam-dora', 'sam-step', 'pass'],
      ['test/golden/sam-flap', 'sam-step', 'pass'],
      ['test/golden/sam-full', 'sam-step', 'pass'],
      ['test/golden/sam-multi-lora', 'sam-step', 'pass'],
      ['test/golden/unet2d', 'unet2d', 'pass'],
    ]);
    for (const line of cases) expect(Number(line.split(/\s+/)[2])).toBeLessThan(2e-2);
    expect({ status, stderr, summary }).toEqual({ status: 0, stderr: '', summary: '12 passed, 0 failed' });
  });

  it('tells rounding from a mistake: float64 decides where float32 misses the tolerance by a little', () => {
    // The scales of two mixed updates have gradients that nearly cancel: .0009 of the case's own value is rounding.
    const withTolerance = (rtol: number) => {
      const copy = copyOf('sam-multi-lora', `tolerance/${rtol}`);
      const path = join(copy, 'case.json');
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), rtol }));
    };
    withTolerance(1.2e-3);
    withTolerance(1e-4);
    const { cases } = run(join(folder, 'tolerance'));
    expect(cases[0]).toMatch(/lora_scale, allowed 0.0001\) {2}fail$/);
    expect(cases[1]).toMatch(/pass$/);
  });

  it('finds cases at any depth, whatever their names, and goes on after one that fails', () => {
    copyOf('metrics', 'deep/a/b/right');
    const wrong = copyOf('metrics', 'deep/a/another');
    const path = join(wrong, 'case.json');
    const description = JSON.parse(readFileSync(path, 'utf8'));
    description.cases[0].dice += 0.01;
    writeFileSync(path, JSON.stringify(description));
    const { status, cases, summary } = run(join(folder, 'deep'));
    expect(cases[0]).toMatch(new RegExp(`another {2}metrics .*${description.cases[0].name} dice, allowed .* fail$`));
    expect(cases[1]).toMatch(/right {2}metrics .* pass$/);
    expect([status, summary]).toEqual([1, '1 passed, 1 failed']);
  });

  it.each([
    ['a wrong number', (data: Float32Array) => data.fill(data[0] + 1, 0, 1)],
    ['a number that is none', (data: Float32Array) => data.fill(Number.NaN, 0, 1)],
  ])('fails a tensor with %s, also where later tensors are right', (title, spoil) => {
    const copy = copyOf('unet2d', title);
    const path = join(copy, 'tensors.safetensors');
    const { tensors } = readSafetensors(path);
    const logits = tensors.get('output.logits')!;
    const data = new Float32Array(logits.data.slice().buffer);
    spoil(data);
    tensors.set('output.logits', { ...logits, data: new Uint8Array(data.buffer) });
    writeSafetensors(path, tensors);
    const { status, cases, summary } = run(copy);
    expect(cases[0]).toMatch(/logits.* fail$/);
    expect([status, summary]).toEqual([1, '0 passed, 1 failed']);
  });

  it('fails cases that cannot be read or that it does not know, each in one line that says why', () => {
    truncateSync(join(copyOf('metrics', 'unreadable/cut'), 'tensors.safetensors'), 1000);
    writeFileSync(join(copyOf('metrics', 'unreadable/garbled'), 'case.json'), '{');
    writeFileSync(join(copyOf('metrics', 'unreadable/unknown'), 'case.json'), '{ "kind": "telepathy", "rtol": 1 }');
    const { status, stderr, cases, summary } = run(join(folder, 'unreadable'));
    expect(cases.map((line) => line.endsWith('  fail'))).toEqual([true, true, true]);
    expect(cases[0]).toContain('tensors.safetensors');
    expect(cases[2]).toMatch(/telepathy {2}no such kind/);
    expect({ status, stderr, summary }).toEqual({ status: 1, stderr: '', summary: '0 passed, 3 failed' });
  });

  it('never passes by finding nothing', () => {
    mkdirSync(join(folder, 'empty'));
    for (const folders of [[join(folder, 'empty')], [join(folder, 'absent')], []]) {
      const { status, summary } = run(...folders);
      expect([status, summary]).toEqual([1, '0 passed, 0 failed']);
    }
  });
});
