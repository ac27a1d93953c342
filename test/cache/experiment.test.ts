/** What a run's results and folder owe to the cache: nothing. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { recipe as federation } from '../studies/federation/tiny.js';
import { recipe as adaptation, graftUntil, hashes } from '../studies/tiny.js';

const root = mkdtempSync(join(tmpdir(), 'graft-cache-run-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (...parts: string[]) => join(root, ...parts);
const results = (run: string) => hashes(at(run), 'models', 'adapters', 'results');

/** As short as they can be and still read slices for training, adaptation, validation and scores. */
const recipes = {
  run: { ...parse(adaptation), methods: ['source', { method: 'udas', epochs: 1, batch: 4 }] },
  federate: {
    ...parse(federation),
    plans: ['flap-sam'],
    regimes: ['centralised', 'federated'],
    federation: { rounds: 1 },
  },
};

describe.each(Object.entries(recipes))('graft %s', (command, recipe) => {
  const file = at(`${command}.yaml`);
  const run = (name: string, ...more: string[]) =>
    graftUntil([command, file, '--out', at(`${command}-${name}`), ...more]);
  beforeAll(async () => {
    writeFileSync(file, stringify(recipe));
    const { status, stderr } = await run('memory', '--set', 'cache=false');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('gives the same bits as in memory, and leaves no slices in its folder', async () => {
    expect((await run('default')).status).toBe(0);
    expect(results(`${command}-default`)).toEqual(results(`${command}-memory`));
    expect(existsSync(at(`${command}-default`, 'cache'))).toBe(false);
  });

  it('keeps them where it is told to, for the next run', async () => {
    const folder = at(`${command}-kept`);
    expect((await run('first', '--set', `cache=${folder}`)).status).toBe(0);
    const kept = readdirSync(folder);
    expect(kept.length).toBeGreaterThan(1);
    expect((await run('second', '--set', `cache=${folder}`)).status).toBe(0);
    expect(readdirSync(folder)).toEqual(kept);
    expect(results(`${command}-second`)).toEqual(results(`${command}-memory`));
    expect(readFileSync(at(`${command}-second`, 'recipe.yaml'), 'utf8')).toContain(`cache: ${folder}`);
  });
});

describe('a run that was ended early', () => {
  it('has its slices in its folder until it is resumed and done', async () => {
    const args = ['run', at('run.yaml'), '--out', at('ended')];
    const { status } = await graftUntil(args, 'SIGINT', { task: /: network$/, step: 2 });
    expect(status).toBe(130);
    expect(readdirSync(at('ended', 'cache'))).toHaveLength(2);
    expect((await graftUntil([...args, '--resume'])).status).toBe(0);
    expect(existsSync(at('ended', 'cache'))).toBe(false);
    expect(results('ended')).toEqual(results('run-memory'));
  });
});

describe('graft train and graft adapt', () => {
  it('give the same with --cache as without', async () => {
    const data = at('run-memory', 'data');
    const train = (name: string, ...more: string[]) =>
      graftUntil([
        ...['train', data, '--site', 'siemens-t1', '--spacing', '8', '--filters', '2', '--epochs', '1'],
        ...['--head-epochs', '1', '--device', 'cpu', '--out', at(name), ...more],
      ]);
    const adapt = (name: string, ...more: string[]) =>
      graftUntil([
        ...['adapt', at('plain.safetensors'), data, '--site', 'philips-t2', '--epochs', '1', '--device', 'cpu'],
        ...['--out', at(name), ...more],
      ]);
    for (const [command, name] of [
      [train, 'plain'],
      [adapt, 'adapter'],
    ] as const) {
      const cache = at(`cache-${name}`);
      expect((await command(`${name}.safetensors`)).status).toBe(0);
      expect((await command(`${name}-cached.safetensors`, '--cache', cache)).status).toBe(0);
      expect(readFileSync(at(`${name}-cached.safetensors`))).toEqual(readFileSync(at(`${name}.safetensors`)));
      expect(readdirSync(cache)).toHaveLength(3);
    }
  });
});
