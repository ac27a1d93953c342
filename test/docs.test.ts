/** The documentation: what is made from the code is up to date, and what is written by hand names things that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { methodNames } from '../src/adapt/index.js';
import { parseAdaptationRecipe, parseFederationRecipe } from '../src/studies/index.js';
import { root, runNode } from './child.js';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pages = ['ARCHITECTURE.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block);

describe('docs/', () => {
  it('is what "npm run docs" writes', () => {
    const { status, stderr } = runNode(['scripts/docs.mjs', '--check']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('lists the errors of every table in the code, whose codes are unique', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const tables = sources.flatMap((name) =>
      [...read(`src/${name}`).matchAll(/^export const \w+Errors = \{\n(.*?)^\} as const/gms)].map(([, body]) => body),
    );
    const codes = tables.flatMap((body) => [...body.matchAll(/^ {2}([A-Z_]+): \{/gm)].map(([, code]) => code));
    expect(tables.length).toBeGreaterThan(10);
    expect(codes.length).toBeGreaterThan(60);
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
    const listed = read('docs/errors.md');
    expect(codes.filter((code) => !listed.includes(`| \`${code}\` |`))).toEqual([]);
  });

  it('shows recipes that are valid', () => {
    const [smallest, methods, sites, plans] = blocks(read('docs/recipes.md'), 'yaml').map((text) => parse(text));
    expect(parseAdaptationRecipe({ ...smallest, ...methods }, 'docs/recipes.md').targets).toEqual(['lju-t2']);
    expect(parseFederationRecipe({ ...sites, ...plans }, 'docs/recipes.md').plans).toHaveLength(2);
  });

  it('explains every method', () => {
    const text = read('docs/methods.md');
    expect(methodNames.filter((name) => !new RegExp(`^\\| \`${name}\``, 'm').test(text))).toEqual([]);
  });
});

describe.each(pages)('%s', (page) => {
  it('links to files that are there', () => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link);
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it('names files of the repository that are there', () => {
    const names = [...read(page).matchAll(/`((?:src|test|native|scripts|recipes)\/[\w./-]*)`/g)].map(
      ([, name]) => name,
    );
    // What the installer makes is there after it ran, and is not in the repository; capitals stand for other names.
    const fixed = names.filter((name) => !name.startsWith('native/build/') && !/\/[A-Z]+(\/|$)/.test(name));
    const absent = fixed.filter((name) => !existsSync(join(root, name)));
    expect(absent).toEqual([]);
  });
});
