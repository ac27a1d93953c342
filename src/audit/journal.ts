/** Audit files: appended to under a lock and forced to the disk, read, verified. */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { whileLocked, writeFileAtomic, writing } from '../core/index.js';
import { type Chain, hashOf, lineOf, readChain } from './chain.js';
import { type AuditEntry, isAuditEntry } from './entry.js';
import { auditError } from './errors.js';

/** In the folder of a command's results. */
export const auditName = 'graft-audit.jsonl';

/**
 * Adds a line; after the return it survives a crash. A last line that a crash cut short is removed, and the new line says so.
 *
 * @returns the new line's hash
 * @throws GraftError WRITE_FAILED, AUDIT_IN_USE
 */
export function appendAudit(file: string, entry: AuditEntry): string {
  const busy = ({ pid, host, seconds, lock }: { pid: number; host: string; seconds: number; lock: string }) =>
    auditError('AUDIT_IN_USE', { file, pid, host, seconds, lock });
  const append = () => {
    if (!existsSync(file)) writeFileAtomic(file); // the folder's entry, too, is on the disk
    return writing(file, () => {
      const descriptor = openSync(file, 'r+');
      try {
        const bytes = readFileSync(descriptor);
        const { head, length, torn } = readChain(bytes, isAuditEntry);
        if (torn > 0) ftruncateSync(descriptor, length);
        const line = lineOf(
          head,
          torn > 0 ? { ...entry, removed: `${torn} bytes of a line that was cut short` } : entry,
        );
        const unended = length > 0 && bytes[length - 1] !== 10;
        let rest: Uint8Array = Buffer.from(`${unended ? '\n' : ''}${line}\n`);
        for (let at = length; rest.length > 0; ) {
          const written = writeSync(descriptor, rest, 0, rest.length, at);
          at += written;
          rest = rest.subarray(written);
        }
        fsyncSync(descriptor);
        return hashOf(line);
      } finally {
        closeSync(descriptor);
      }
    });
  };
  return whileLocked(file, append, busy);
}

/** An audit file, or the one in a folder. @throws GraftError AUDIT_MISSING */
export function findAudit(path: string): string {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, auditName) : path;
  if (!existsSync(file)) throw auditError('AUDIT_MISSING', { path, name: auditName });
  return file;
}

/** The lines of an audit file as far as they can be believed. */
export const readAudit = (file: string): Chain<AuditEntry> => readChain(readFileSync(file), isAuditEntry);

/**
 * Reads the whole chain.
 *
 * @param anchor a head that was noted earlier: one of the lines must have it
 * @throws GraftError AUDIT_BROKEN with the first line that does not follow from the one before; AUDIT_ANCHOR
 */
export function verifyAudit(file: string, anchor?: string): { count: number; head: string } {
  const { lines, head, torn, broken } = readAudit(file);
  const count = lines.length;
  if (broken) throw auditError('AUDIT_BROKEN', { file, ...broken });
  if (torn > 0) {
    const problem = `is cut short after ${torn} bytes, as a crash leaves it`;
    throw auditError('AUDIT_BROKEN', { file, line: count + 1, problem });
  }
  if (anchor !== undefined && !lines.some(({ hash }) => hash === anchor.toLowerCase()))
    throw auditError('AUDIT_ANCHOR', { file, anchor, count, head });
  return { count, head };
}
