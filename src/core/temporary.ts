/**
 * Temporary files beside the files that they become. Each is named after the process that writes it, so that what a
 * killed one left behind can be told from what a living one is writing.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ownMark, standingOf } from './process.js';

const ours = /^\.graft-([0-9a-f]{8})-(\d+)-(\d*)-[0-9a-f]{12}\.tmp$/;
/** As earlier versions named them. */
const earlier = /^\.[0-9a-f]{12}\.tmp$/;

/** Where process numbers mean the same as here. */
function place(): string {
  const { host, boot, space } = ownMark();
  return createHash('sha256').update([host, boot, space].join()).digest('hex').slice(0, 8);
}

export function temporaryBeside(path: string): string {
  const { pid, started = '' } = ownMark();
  return join(dirname(path), `.graft-${place()}-${pid}-${started}-${randomBytes(6).toString('hex')}.tmp`);
}

/** Folders that this thread has looked through. */
const seen = new Set<string>();

/** Removes what processes that have ended left in the folder, the first time that it is asked to. Never throws. */
export function removeLeftovers(folder: string): void {
  const absolute = resolve(folder);
  if (seen.has(absolute)) return;
  seen.add(absolute);
  try {
    for (const name of readdirSync(folder)) if (isLeftBehind(name)) rmSync(join(folder, name), { force: true });
  } catch {
    // They only take space.
  }
}

function isLeftBehind(name: string): boolean {
  const [, where, pid, started] = ours.exec(name) ?? [];
  if (where !== place()) return false;
  return standingOf({ ...ownMark(), pid: Number(pid), started: started || undefined }) === 'ended';
}

/** Removes every temporary file of graft's in and below a folder in which no other process works. Never throws. */
export function removeAllLeftovers(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && (ours.test(entry.name) || earlier.test(entry.name)))
        rmSync(join(entry.parentPath, entry.name), { force: true });
  } catch {
    // They only take space.
  }
}
