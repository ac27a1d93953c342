/** What a benchmark set is: which cases it has at which sites, where they lie, and where they are to be had. */
import { existsSync } from 'node:fs';
import type { Case } from '../dataset.js';
import { type Report, visible } from '../layouts/layout.js';
import { benchmarkError } from './errors.js';

export interface Benchmark {
  title: string;
  /** Names of the labels 1, 2, … */
  classes: readonly string[];
  /** How many cases a site has. */
  sites: Readonly<Record<string, number>>;
  /** Where a case's files lie below ROOT. */
  tree: readonly string[];
  /** What to get from where, by name, and where to put it. */
  obtain: readonly string[];
  /** The cases that are there. Reports those that are missing, and what does not belong. */
  read(root: string, report: Report): Case[];
}

/** The first of the folders that holds something called what the pattern says; the last one where none does. */
export const folderWith = (pattern: RegExp, folders: readonly string[]): string =>
  folders.find((folder) => visible(folder).some((name) => pattern.test(name))) ?? folders[folders.length - 1];

/**
 * A case with those of its files that are there; reports what is missing.
 *
 * @returns nothing where the image is missing
 */
export function caseOf(
  report: Report,
  one: Omit<Case, 'image' | 'label'>,
  { image, label }: { image: string; label: string },
): Case[] {
  const missing = Object.entries({ image, label }).filter(([, file]) => !existsSync(file));
  if (missing.length > 0) {
    const [what, file] = [0, 1].map((i) => missing.map((entry) => entry[i]).join(' and '));
    report(benchmarkError('BENCHMARK_MISSING', { case: `${one.site}/${one.name}`, what, file }), one);
  }
  const has = (kind: string) => !missing.some(([name]) => name === kind);
  return has('image') ? [{ ...one, image, ...(has('label') && { label }) }] : [];
}
