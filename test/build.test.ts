/** The build script, on a program of two files: dist/ is whole at every moment. */
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { root, runModule } from './child.js';

let project: string;
const source = (name: string, text: string) => writeFileSync(join(project, 'src', name), text);
const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
const script = ['scripts/build.mjs'];
const build = () => spawnSync(process.execPath, script, { cwd: project, env, encoding: 'utf8' }).status;
const command = () => spawnSync(process.execPath, ['dist/cli/main.js'], { cwd: project, encoding: 'utf8' });

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'graft-build-'));
  for (const name of ['scripts', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(join(root, name), join(project, name), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  mkdirSync(join(project, 'src/cli'), { recursive: true });
  source('cli/main.ts', "const { text } = await import('../part.js');\nconsole.log(text);\n");
});
beforeEach(() => {
  source('part.ts', "export const text = 'first';\n");
  expect(build()).toBe(0);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

it('builds under running commands, which find every file', async () => {
  for (let commands = 0; commands < 3; ) {
    const builder = spawn(process.execPath, script, { cwd: project, env });
    const ended = new Promise((resolve) => builder.on('exit', resolve));
    for (; builder.exitCode === null; commands++) {
      expect(command()).toMatchObject({ status: 0, stdout: 'first\n', stderr: '' });
      await new Promise(setImmediate);
    }
    expect(await ended).toBe(0);
  }
});

it('leaves the program as it was where the source does not compile', () => {
  source('part.ts', 'export const text: number = "second";\n');
  expect(build()).not.toBe(0);
  expect(command().stdout).toBe('first\n');
  expect(readdirSync(project).filter((name) => name.startsWith('.dist'))).toEqual([]);
});

it('puts in place what changed, and removes what is no longer made and what a killed build left', () => {
  source('part.ts', "export const text = 'second';\n");
  writeFileSync(join(project, 'dist/gone.js'), '');
  mkdirSync(join(project, '.dist-99999999'));
  expect(build()).toBe(0);
  expect(command().stdout).toBe('second\n');
  expect(existsSync(join(project, 'dist/gone.js'))).toBe(false);
  expect(existsSync(join(project, '.dist-99999999'))).toBe(false);
});

it('bundles the page again only where a file that went into it has changed', () => {
  const isCurrent = (folder: string) =>
    runModule<boolean>(
      `import { isCurrent } from './scripts/page.mjs'; console.log(isCurrent(${JSON.stringify(folder)}));`,
    );
  expect(isCurrent('dist/page')).toBe(true);
  const inputs = JSON.parse(readFileSync(join(root, 'dist/page/inputs.json'), 'utf8')) as Record<string, string>;
  expect(Object.keys(inputs)).toEqual(
    expect.arrayContaining(['page/main.tsx', 'src/report/chart.ts', 'package-lock.json']),
  );
  const earlier = join(project, 'page');
  mkdirSync(earlier);
  writeFileSync(join(earlier, 'inputs.json'), JSON.stringify({ ...inputs, 'page/main.tsx': 'another' }));
  expect(isCurrent(earlier)).toBe(false);
  expect(isCurrent(project)).toBe(false);
});
