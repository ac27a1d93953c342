/** Files that options name and commands write: an older one of the kind is replaced, or added to, and nothing else is. */
import { closeSync, existsSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { openRegular } from '../core/index.js';
import { cliError } from './errors.js';

/** What files begin with. */
const beginnings = {
  scores: 'case,class,dice',
  page: '<!doctype html>',
  picture: '\x89PNG',
  'audit file': '{"previous":"',
  kit: '{\n "format": "graft kit',
  request: '{\n "format": "graft site request',
} as const;

/** An option that names a file to be written. @param kind an older file of which may be there */
export const outputFile = (zod: typeof z, kind: keyof typeof beginnings) =>
  zod.string().refine((file) => !isOther(file, beginnings[kind]), {
    error: `there is a file already that is no ${kind}; name another, or move that one away`,
  });

/** Whether what stands there would be lost: an empty file, or what a crash left of one, would not. */
function isOther(file: string, beginning: string): boolean {
  if (!existsSync(file)) return false;
  const bytes = Buffer.alloc(beginning.length);
  try {
    const { descriptor } = openRegular(file);
    try {
      return !beginning.startsWith(bytes.toString('latin1', 0, readSync(descriptor, bytes)));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // A folder, or what may not be read: writing says so.
    return false;
  }
}

/** Refuses to put a page in the place of the report of one of several runs. @throws GraftError OPTION_INVALID */
export function keepReports(runs: readonly string[], file: string, command: string): void {
  const run = runs.find((folder) => resolve(folder, 'report.html') === resolve(file));
  if (run !== undefined) throw cliError('OPTION_INVALID', { problems: `${file} is the report of ${run}`, command });
}
