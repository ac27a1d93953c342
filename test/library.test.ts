/** The programs in the documentation, as a project with the installed package compiles and runs them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './child.js';
import { installInto } from './installed.js';

/** Blocks of a page with the heading above each. */
function programsOf(page: string): { title: string; text: string }[] {
  const sections = readFileSync(join(root, page), 'utf8').split(/^#+ /m);
  return sections.flatMap((section) =>
    [...section.matchAll(/^```ts\n(.*?)^```/gms)].map(([, text]) => ({ title: section.split('\n')[0], text })),
  );
}

const programs = programsOf('docs/library.md');
const others = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md') && name !== 'docs/library.md',
);
let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'graft-library-'));
  installInto(project, '@types/node');
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2022', lib: ['ES2023', 'ESNext.Disposable'] };
  const write = (name: string, text: string) => writeFileSync(join(project, name), text);
  write('package.json', JSON.stringify({ type: 'module' }));
  write('tsconfig.json', JSON.stringify({ compilerOptions: { ...compilerOptions, types: ['node'], outDir: 'made' } }));
  for (const [i, { text }] of programs.entries()) write(`program${i}.ts`, text);
  for (const page of others)
    for (const [i, { text }] of programsOf(page).entries()) write(`${page.replace(/\W/g, '-')}-${i}.ts`, text);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });

describe('the programs of the documentation', () => {
  it('are of the right types', () => {
    const { status, stdout } = run(join(root, 'node_modules/typescript/bin/tsc'));
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it.each(programs.map(({ title }, i) => [title, i] as const))('run: %s', (_, i) => {
    const { status, stdout, stderr } = run(`made/program${i}.js`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).not.toBe('');
  });

  it('are short', () => {
    for (const { title, text } of programs) expect([title, text.split('\n').length < 45]).toEqual([title, true]);
  });
});
