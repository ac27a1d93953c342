/**
 * One process at a time works in a run's folder: two would mix their checkpoints and ledgers. The lock is a file that
 * names the process; what a killed one left behind is taken over, as its number no longer runs.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../core/index.js';
import { runError } from './errors.js';

interface Holder {
  pid: number;
  host: string;
}

/**
 * Takes the folder for this process until it ends; it may be taken again by the same one.
 *
 * @throws GraftError RUN_IN_USE, WRITE_FAILED
 */
export function lockFolder(folder: string): void {
  const file = join(folder, 'lock.json');
  const own: Holder = { pid: process.pid, host: hostname() };
  const holder = readHolder(file);
  if (holder?.pid === own.pid && holder.host === own.host) return;
  if (holder && isAlive(holder)) throw runError('RUN_IN_USE', { folder, pid: holder.pid, file });
  writeFileAtomic(file, `${JSON.stringify(own)}\n`);
  if (held.size === 0) process.once('exit', release);
  held.add(file);
}

/** Locks of this process. */
const held = new Set<string>();

function release(): void {
  for (const file of held) rmSync(file, { force: true });
}

function readHolder(file: string): Holder | undefined {
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Holder) : undefined;
  } catch {
    return undefined; // not a lock that graft wrote
  }
}

/** A process on another machine cannot be asked: it counts as alive. */
function isAlive({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
