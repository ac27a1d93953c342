/**
 * With what a run was made, as its report says it: nothing of where this machine keeps things, since reports are handed
 * on. Paths are told as seen from the run's folder, and where they lead elsewhere on the machine only by their last part.
 */
import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import type { Provenance } from '../report/index.js';
import { incidental, type RunFolder } from './folder.js';

/** A path as seen from a folder. */
export function placeFrom(folder: string, path: string): string {
  const near = relative(folder, path) || '.';
  const up = near.split(sep).filter((part) => part === '..').length;
  const deep = resolve(folder).split(sep).filter(Boolean).length;
  // What leads up to the root spells the whole path.
  return isAbsolute(near) || up >= deep ? `…/${basename(path)}` : near;
}

/** @param facts beside the versions @param files models and adapters with their digests */
export function provenanceOf(folder: RunFolder, facts: Provenance['facts'], files: Provenance['files']): Provenance {
  return {
    facts: [...folder.provenance(), ...facts],
    command: folder.command()?.map(asTyped).join(' '),
    settings: settingsOf(folder.recipe).map(([key, value]) => [
      key,
      isAbsolute(value) ? placeFrom(folder.path, value) : value,
    ]),
    files: [...new Map(files.map((file) => [file.name, file])).values()],
  };
}

/** A word of a command, quoted where a shell would part it, without places and addresses. */
export function asTyped(word: string): string {
  const [, key = '', value = word] = /^([\w.-]+=)(.*)$/s.exec(word) ?? [];
  const told = /^\w+:\/\//.test(value) ? 'ADDRESS' : isAbsolute(value) ? placeFrom(process.cwd(), value) : value;
  return /^[\w./=,:@%+…-]+$/.test(told) ? key + told : `'${(key + told).replaceAll("'", "'\\''")}'`;
}

/** By dotted key, but for what no result depends on, and what the page says at its top. */
export function settingsOf(recipe: object): [key: string, value: string][] {
  const unsaid = [...incidental, 'title', 'description'];
  const walk = (value: unknown, path: string[]): [string, string][] => {
    if (value === undefined || unsaid.includes(path.join('.'))) return [];
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return Object.entries(value).flatMap(([key, inner]) => walk(inner, [...path, key]));
    return [[path.join('.'), typeof value === 'string' ? value : JSON.stringify(value)]];
  };
  return walk(recipe, []);
}
