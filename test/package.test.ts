/** What npm makes of the checkout: a lock file that installing leaves alone, and a package with all that it needs. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listRecipes } from '../src/studies/index.js';
import { root } from './child.js';
import { graftProcess } from './cli/graft.js';
import { installInto } from './installed.js';

const readJson = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));

interface Locked {
  version?: string;
  optionalDependencies?: Record<string, string>;
  dependencies?: Record<string, string>;
}

it('has a lock file that names every dependency on every platform, so that npm install adds none', () => {
  const packages: Record<string, Locked> = readJson('package-lock.json').packages;
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies }).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  expect(missing).toEqual([]);
  expect(Object.keys(packages).length).toBeGreaterThan(50);
});

it('has a lock file that says of the package itself what package.json says', () => {
  const own = readJson('package-lock.json').packages[''];
  const declared = readJson('package.json');
  for (const key of ['name', 'version', 'license', 'os', 'engines', 'bin', 'dependencies', 'devDependencies'])
    expect({ [key]: own[key] }).toEqual({ [key]: key === 'bin' ? { graft: 'dist/cli/main.js' } : declared[key] });
});

it('has a lock file without addresses, so that it is the same for every registry and mirror', () => {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  expect(text).not.toMatch(/"resolved"|https?:\/\/registry/);
});

it('packs the program, the engine’s sources, the recipes and the documentation', () => {
  const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const files = new Set<string>(JSON.parse(listed)[0].files.map(({ path }: { path: string }) => path));
  const needed = [
    ...['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'README.md', 'LICENSE', 'docs/errors.md'],
    ...['native/install.mjs', 'native/locate.mjs', 'native/engine.cc', 'native/engine.h'],
    ...listRecipes().map(({ name }) => `recipes/${name}.yaml`),
  ];
  expect(needed.filter((name) => !files.has(name))).toEqual([]);
  for (const name of files) {
    expect(name).not.toMatch(/^(src|test|native\/build|\.libtorch|runs)\//);
    expect(existsSync(join(root, name))).toBe(true);
  }
});

describe('installed as a package in a project', () => {
  const project = mkdtempSync(join(tmpdir(), 'graft-project-'));
  let installed: string;
  afterAll(() => rmSync(project, { recursive: true, force: true }));
  beforeAll(() => {
    installed = installInto(project);
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@y', ...args], { cwd: project });
    git('init', '-q');
    git('commit', '-q', '--allow-empty', '-m', 'A project');
  });

  it('finds its recipes by name', () => {
    const { status, stdout } = graftProcess(['run', '--list'], {
      file: join(installed, 'dist/cli/main.js'),
      cwd: project,
    });
    expect(status).toBe(0);
    expect(stdout).toContain('phantom-scanners');
  });

  it('does not take the project’s revision for its own', () => {
    const module = pathToFileURL(join(installed, 'dist/studies/environment.js'));
    const source = `import { environmentFacts } from '${module}'; console.log(JSON.stringify(environmentFacts()));`;
    const facts = execFileSync(process.execPath, ['--input-type=module', '--eval', source], { cwd: project });
    expect(JSON.parse(String(facts))[0]).toEqual(['graft', readJson('package.json').version]);
  });
});
