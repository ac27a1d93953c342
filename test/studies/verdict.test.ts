/** What a headline may say: differences that are certain, and that the others are not. */
import { describe, expect, it } from 'vitest';
import { compareMethods } from '../../src/compare/index.js';
import { verdictOn } from '../../src/studies/verdict.js';
import { cases, entry } from '../compare/scored.js';

const labels: Record<string, string> = { source: 'the source model', lora: 'ConvLoRA', udas: 'UDAS' };
const labelOf = (name: string) => labels[name] ?? name;
const base = [0.6, 0.62, 0.64, 0.66, 0.68, 0.7, 0.72, 0.74];
const better = base.map((value, i) => value + 0.03 + 0.001 * i);
const alike = base.map((value, i) => value + (i % 2 ? 0.01 : -0.009));

function verdict(methods: Record<string, number[]>, main = 'lora') {
  const entries = Object.entries(methods).map(([name, values]) => entry(name, cases(values)));
  return verdictOn(compareMethods(entries, { measure: 'dice' }), { main, labelOf, noun: 'method', seeds: 3 });
}

describe('a headline', () => {
  it('names a difference that is certain, with its interval and what it rests on', () => {
    const { sentence, more } = verdict({ source: base, lora: better });
    expect(sentence).toMatch(
      /^ConvLoRA gains 0\.03[34] Dice over the source model \(95 % interval 0\.032 to 0\.035, 8 cases, 3 seeds\)\.$/,
    );
    expect(more).toEqual([expect.stringContaining("p < 0.05 (Wilcoxon's signed-rank test")]);
  });

  it('counts patients where it is known whose a case is', () => {
    const of = (values: number[]) => cases(values).map((one, i) => ({ ...one, patient: `a/case${i}` }));
    const comparison = compareMethods([entry('source', of(base)), entry('lora', of(better))], { measure: 'dice' });
    expect(verdictOn(comparison, { main: 'lora', labelOf, noun: 'method', seeds: 1 }).sentence).toContain(
      '8 patients, 1 seed)',
    );
  });

  it('calls a loss a loss', () => {
    expect(verdict({ source: better, lora: base }).sentence).toMatch(
      /^ConvLoRA loses 0\.03[34] Dice against the source model/,
    );
  });

  it('never calls the best of several uncertain methods best', () => {
    const { sentence } = verdict({ source: base, lora: alike, udas: base.map((value) => value + 0.0001) });
    expect(sentence).toMatch(/^UDAS gains/);
    const doubtful = verdict({ source: base, lora: alike, udas: alike.map((value) => value + 0.002) });
    expect(doubtful.sentence).toMatch(
      /^No method differs from the source model by more than chance allows \(ConvLoRA: difference \+?[−\d.]+ Dice, 95 % interval −0\.00\d to 0\.00\d, 8 cases, 3 seeds\)\.$/,
    );
    expect(doubtful.sentence).not.toContain('UDAS');
  });

  it('is about the method that was meant, and names others that are certain', () => {
    const { sentence, more } = verdict({ source: base, udas: better, lora: better.map((value) => value + 0.01) });
    expect(sentence).toMatch(/^ConvLoRA gains 0\.04/);
    expect(more[0]).toMatch(/^Certain too: UDAS gains 0\.03/);
    const other = verdict({ source: base, udas: better, lora: alike });
    expect(other.sentence).toMatch(
      /^UDAS gains .*; ConvLoRA does not differ from the source model by more than chance/,
    );
  });

  it('says when so few patients can show nothing at all', () => {
    const { sentence, more } = verdict({ source: base.slice(0, 3), lora: better.slice(0, 3) });
    expect(sentence).toBe(
      'ConvLoRA does not differ from the source model by more than chance allows (difference +0.031 Dice, too few for an interval, 3 cases, 3 seeds).',
    );
    expect(more[0]).toContain('with 3 cases and 1 comparison no p can be below 0.25');
  });
});
