/** The package as a project has it that installed it: what npm packs, without the sources of graft. */
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './child.js';

/** Puts graft and what it depends on into the project's `node_modules`. @returns where graft lies */
export function installInto(project: string, ...others: string[]): string {
  const modules = join(project, 'node_modules');
  const installed = join(modules, 'graft');
  mkdirSync(installed, { recursive: true });
  for (const part of ['dist', 'recipes', 'package.json'])
    cpSync(join(root, part), join(installed, part), { recursive: true });
  symlinkSync(join(root, 'native'), join(installed, 'native'));
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), ...others]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  return installed;
}
