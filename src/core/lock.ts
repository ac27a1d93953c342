/**
 * One process at a time works in a run's folder: two would mix their checkpoints and ledgers. The lock is a file that
 * names the process; what a killed one left behind is taken over.
 *
 * A lock comes into being whole, by a link that fails where there is one. One that was left behind is replaced only by
 * the process that holds the claim on it: a lock beside it, named after the very text that is to be replaced, and taken in
 * the same way. So of many that find it at once a single one goes on.
 */
import { createHash } from 'node:crypto';
import { constants, copyFileSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errorsOf, type GraftError } from './errors.js';
import { writeFileAtomic, writing } from './files.js';
import { ownMark, type ProcessMark, standingOf } from './process.js';
import { temporaryBeside } from './temporary.js';

export const lockErrors = {
  RUN_IN_USE: {
    exit: 'usage',
    message: '{folder}: another graft (process {pid} on {host}) is at work in this folder.',
    hint: 'Wait for it, or choose another folder with --out. If no such process runs on {host} any more, delete {file} and resume.',
  },
} as const;
const lockError = errorsOf(lockErrors);

/**
 * Takes the folder for this process until it ends; it may be taken again by the same one.
 *
 * @throws GraftError RUN_IN_USE, WRITE_FAILED
 */
export function lockFolder(folder: string): void {
  const file = resolve(join(folder, 'lock.json'));
  const holder = take(file);
  if (holder) throw lockError('RUN_IN_USE', { folder, pid: holder.pid, host: holder.host, file });
  if (held.size === 0) process.once('exit', release);
  held.add(file);
}

/** Whether a process is at work in the folder, as far as can be told from here. */
export function isFolderLocked(folder: string): boolean {
  const holder = read(resolve(join(folder, 'lock.json')))?.holder;
  return holder !== undefined && standingOf(holder) !== 'ended';
}

/** How long to wait for another process, and how often to look. */
const patience = { seconds: 10, stepMs: 10 };

/**
 * Does what must not be done by two processes at once, such as adding to a file; waits for the other one.
 *
 * @param file what is protected; the lock lies beside it
 * @param busy the error where the other one does not come to an end
 * @throws GraftError WRITE_FAILED
 */
export function whileLocked<Result>(
  file: string,
  action: () => Result,
  busy: (holder: ProcessMark & { lock: string; seconds: number }) => GraftError,
): Result {
  const lock = `${resolve(file)}.lock`;
  const { seconds, stepMs } = patience;
  for (let waited = 0; ; waited += stepMs) {
    const holder = take(lock, file);
    if (!holder) break;
    if (waited >= seconds * 1000) throw busy({ ...holder, lock, seconds });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stepMs);
  }
  try {
    return action();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Locks of this process. */
const held = new Set<string>();

function release(): void {
  for (const file of held) if (read(file)?.text === ownText()) rmSync(file, { force: true });
}

const ownText = () => `${JSON.stringify(ownMark())}\n`;

/** Takes a lock; gives who has it where that cannot be. @param named in errors */
function take(file: string, named = file): ProcessMark | undefined {
  for (;;) {
    if (make(file, named)) return undefined;
    const found = read(file);
    if (!found) continue; // it was given back just now
    if (found.text === ownText()) return undefined;
    if (found.holder && standingOf(found.holder) !== 'ended') return found.holder;
    const claim = `${file}.${createHash('sha256').update(found.text).digest('hex').slice(0, 12)}`;
    const other = take(claim, named);
    if (other) return other;
    try {
      if (read(file)?.text !== found.text) continue; // somebody was quicker
      writeFileAtomic(file, ownText());
      return undefined;
    } finally {
      rmSync(claim, { force: true });
    }
  }
}

/** Makes the file with all that it says, unless there is one. @throws GraftError WRITE_FAILED */
function make(file: string, named: string): boolean {
  const temporary = temporaryBeside(file);
  return writing(named, () => {
    mkdirSync(dirname(file), { recursive: true });
    try {
      writeFileSync(temporary, ownText(), { flag: 'wx' });
      linkOrCopy(temporary, file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
  });
}

/** Not every file system has links; a copy can be seen before it is whole, which `read` waits for. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!/^(EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

const patienceMs = 500;

/** What a lock says, and the holder where it is one that graft wrote; undefined where there is none. */
function read(file: string): { text: string; holder: ProcessMark | undefined } | undefined {
  for (;;) {
    try {
      const text = readFileSync(file, 'utf8');
      const holder = holderOf(text);
      if (holder || Date.now() - statSync(file).mtimeMs > patienceMs) return { text, holder };
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function holderOf(text: string): ProcessMark | undefined {
  try {
    const holder = JSON.parse(text) as ProcessMark;
    return Number.isInteger(holder.pid) && typeof holder.host === 'string' ? holder : undefined;
  } catch {
    return undefined;
  }
}
