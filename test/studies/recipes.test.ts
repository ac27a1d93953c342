/** The recipes that come with graft are found by name, wherever the command is run. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findRecipe, listRecipes, readAnyRecipe } from '../../src/studies/index.js';
import { root } from '../child.js';
import { graft } from '../cli/graft.js';
import { errorOf } from '../graft-error.js';

const elsewhere = mkdtempSync(join(tmpdir(), 'graft-recipes-'));
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

it('lists every recipe of the package with the first line of its comment', () => {
  const { status, json } = graft(['run', '--list', '--json'], { cwd: elsewhere });
  expect(status).toBe(0);
  const { recipes } = json();
  expect(recipes.map(({ file }: { file: string }) => file)).toEqual(
    readdirSync(join(root, 'recipes')).map((name) => join(root, 'recipes', name)),
  );
  for (const { summary } of recipes) expect(summary).toMatch(/^[A-Z].*[.]$/);
});

it('reads every one of them by name', () => {
  for (const { name, file } of listRecipes()) {
    expect(findRecipe(name)).toBe(file);
    expect(readAnyRecipe(findRecipe(name)).recipe.title).not.toBe('');
  }
});

it('takes a file of that name where there is one, but not a folder', () => {
  const file = join(elsewhere, 'plans');
  writeFileSync(file, 'sites: [a]\n');
  expect(findRecipe(file)).toBe(file);
  mkdirSync(join(elsewhere, 'folder'));
  expect(errorOf(() => findRecipe(join(elsewhere, 'folder'))).code).toBe('RECIPE_NOT_FOUND');
});

it.each(['run', 'federate'])('graft %s names the nearest recipe and all there are for a wrong name', (command) => {
  const { status, stderr } = graft([command, 'phantom-scaner'], { cwd: elsewhere });
  expect(status).toBe(2);
  expect(stderr).toContain('did you mean phantom-scanners?');
  for (const { name } of listRecipes()) expect(stderr).toContain(name);
});

it('suggests the recipe beside a misspelt path, and nothing where nothing is near', () => {
  const file = join(elsewhere, 'prostate.yaml');
  writeFileSync(file, 'sites: [a]\n');
  const told = (path: string, from?: string) => errorOf(() => findRecipe(path, from)).message;
  expect(told(join(elsewhere, 'prostrate.yaml'))).toMatch(/did you mean prostate\.yaml\?$/);
  expect(told('prostrate.yaml', elsewhere)).toMatch(/did you mean prostate\.yaml\?$/);
  expect(told(join(elsewhere, 'nowhere', 'kidney-study.yaml'))).toMatch(/comes with graft\.$/);
  expect(findRecipe('prostate.yaml', elsewhere)).toBe(file);
});

it('graft federate says that a recipe is one for adaptation', () => {
  const { status, stderr } = graft(['federate', 'phantom-scanners'], { cwd: elsewhere });
  expect(status).toBe(2);
  expect(stderr).toMatch(/is a recipe for adaptation.*one for a federation is needed/);
});

it('graft run without a recipe says how to list them', () => {
  const { status, stderr } = graft(['run'], { cwd: elsewhere });
  expect(status).toBe(2);
  expect(stderr).toContain('graft run --list');
});
