import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { addSchemaOptions, parseOptions, readOptions } from '../../src/cli/options.js';

const schema = z.strictObject({
  learningRate: z.number().positive().default(0.001).describe('step size'),
  rank: z.int().min(1).default(2),
  name: z.string().optional(),
  method: z.enum(['frozen', 'ema']).default('ema'),
  augment: z.boolean().default(true),
  deterministic: z.boolean().default(false),
  blocks: z.array(z.enum(['up', 'down'])).optional(),
  size: z.tuple([z.int(), z.int()]).nullable().default(null),
  spacing: z.number().nullable().default(1),
  nested: z.strictObject({ depth: z.int() }).optional(),
});

function command() {
  const result = new Command('test').exitOverride().configureOutput({ writeErr: () => {} });
  addSchemaOptions(result, schema);
  return result;
}
const given = (...args: string[]) => readOptions(schema, command().parse(args, { from: 'user' }).opts());
const parse = (...args: string[]) => parseOptions(schema, given(...args), 'test');

describe('options from a schema', () => {
  it('are given as they were typed, without defaults', () => {
    expect(given()).toEqual({});
    expect(given('--learning-rate', '1e-4', '--no-deterministic')).toEqual({
      learningRate: 1e-4,
      deterministic: false,
    });
  });

  it('take the defaults of the schema', () => {
    expect(parse()).toMatchObject({
      learningRate: 0.001,
      rank: 2,
      method: 'ema',
      augment: true,
      size: null,
      spacing: 1,
    });
    expect(parse('--no-augment', '--deterministic')).toMatchObject({ augment: false, deterministic: true });
  });

  it('read lists with commas and repeated, pairs, and none', () => {
    expect(parse('--blocks', 'up,down', '--blocks', 'up').blocks).toEqual(['up', 'down', 'up']);
    expect(parse('--size', '256,192').size).toEqual([256, 192]);
    expect(parse('--spacing', 'none').spacing).toBeNull();
    expect(parse('--size', 'none').size).toBeNull();
  });

  it('show names, choices, defaults and meanings in the help', () => {
    const help = command().helpInformation().replaceAll(/\s+/g, ' ');
    expect(help).toContain('--learning-rate <n> step size (default: 0.001)');
    expect(help).toContain('--method <name> (default: ema) (choices: "frozen", "ema")');
    expect(help).toContain('--no-augment (default: true)');
    expect(help).toContain('--size <n,n> (default: none)');
    expect(help).not.toMatch(/--augment|--no-deterministic|nested/);
  });

  it.each([
    [['--rank', 'two'], '--rank: expected number, received string, found "two".'],
    [['--rank', ''], '--rank: expected number, received string, found "".'],
    [['--learning-rate=-1'], '--learning-rate: expected number to be >0, found -1.'],
    [['--method', 'emma'], '--method: expected one of "frozen"|"ema", found "emma".'],
    [['--blocks', 'up,left'], '--blocks: expected one of "up"|"down", found "left".'],
    [['--rank', '0', '--size', '1'], /^--rank: .*; --size: /],
  ])('%j is refused with the flag and what was found', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  it('say what is required', () => {
    const root = z.strictObject({ dataRoot: z.string() });
    expect(() => parseOptions(root, {}, 'test')).toThrow('--data-root is required');
  });

  it('bring every number through unchanged', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parse('--learning-rate', String(value)).learningRate).toBe(value);
      }),
      { numRuns: 30 },
    );
  });
});
