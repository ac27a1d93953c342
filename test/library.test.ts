/** The programs in the documentation, as a project with the installed package compiles and runs them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './child.js';
import { installInto } from './installed.js';

/**
 * Blocks of a page with the heading above each. One that begins with its file's name is a part of several processes, which
 * `federate/peers` runs.
 */
function programsOf(page: string): { title: string; text: string; file: string }[] {
  const sections = readFileSync(join(root, page), 'utf8').split(/^#+ /m);
  const blocks = sections.flatMap((section) =>
    [...section.matchAll(/^```ts\n(.*?)^```/gms)].map(([, text]) => ({ title: section.split('\n')[0], text })),
  );
  const named = (text: string) => /^\/\/ (\w+)\.js/.exec(text)?.[1];
  return blocks.map((one, i) => ({ ...one, file: named(one.text) ?? `${page.replace(/\W/g, '-')}-${i}` }));
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
  for (const { file, text } of [...programs, ...others.flatMap(programsOf)]) write(`${file}.ts`, text);
  write('transport.ts', `import { localTransport } from 'graft';\nexport const transport = localTransport();\n`);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });

describe('the programs of the documentation', () => {
  it('are of the right types', () => {
    const { status, stdout } = run(join(root, 'node_modules/typescript/bin/tsc'));
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  const whole = programs.filter(({ file }) => /\d$/.test(file));
  it.each(whole.map(({ title, file }) => [title, file]))('run: %s', (_, file) => {
    const { status, stdout, stderr } = run(`made/${file}.js`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).not.toBe('');
  });

  it('are short', () => {
    for (const { title, text } of programs) expect([title, text.split('\n').length < 45]).toEqual([title, true]);
  });
});
