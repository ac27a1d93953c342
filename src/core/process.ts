/**
 * Which process wrote a file, in words that a later process can check: locks and temporary files name their owner. A
 * number alone is not enough, because numbers are given out again: on Linux the time of its start is compared too, and
 * numbers of another container or another machine are not judged at all.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessMark {
  pid: number;
  host: string;
  /** Of the machine's last start, of the space in which the number counts, and of the process; Linux alone tells them. */
  boot?: string | undefined;
  space?: string | undefined;
  started?: string | undefined;
}

const attempt = (read: () => string): string | undefined => {
  try {
    return read();
  } catch {
    return undefined; // not on this system, or no such process
  }
};

let own: ProcessMark | undefined;

/** This process. */
export function ownMark(): ProcessMark {
  own ??= {
    pid: process.pid,
    host: hostname(),
    boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    space: attempt(() => readlinkSync('/proc/self/ns/pid')),
    started: statusOf(process.pid)?.started,
  };
  return own;
}

/** Whether the process runs; `unknown` where it cannot be asked from here: another machine, another container. */
export function standingOf({ pid, host, boot, space, started }: ProcessMark): 'running' | 'ended' | 'unknown' {
  const here = ownMark();
  if (host !== here.host) return 'unknown';
  if (boot && here.boot && boot !== here.boot) return 'ended'; // the machine was started anew
  if (space && here.space && space !== here.space) return 'unknown';
  const status = statusOf(pid);
  if (status?.ended || (status && started && status.started !== started)) return 'ended';
  try {
    process.kill(pid, 0);
    return 'running';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'running' : 'ended';
  }
}

/** What Linux tells of a process: when it began, in ticks since the machine did, and whether only its number is left. */
function statusOf(pid: number): { started: string; ended: boolean } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name, in brackets, may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields && { started: fields[19], ended: fields[0] === 'Z' };
}
