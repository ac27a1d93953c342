/** Audit files and journals: found, read, verified; a command's line is added. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isFolder } from '../core/index.js';
import { isActEntry } from './act.js';
import { type Chain, lineOf, readChain } from './chain.js';
import { ChainFile } from './chain-file.js';
import type { AuditEntry } from './entry.js';
import { auditError } from './errors.js';
import { isLine, type Line } from './lines.js';
import { signatureCheck } from './signature.js';

/** In the folder of a command's results. */
export const auditName = 'graft-audit.jsonl';
/** In the folder of a coordinator or a site. */
export const journalName = 'journal.jsonl';

/**
 * Adds the line of a command; after the return it survives a crash. A last line that a crash cut short is removed, and the
 * new line says so.
 *
 * @returns the new line's hash
 * @throws GraftError WRITE_FAILED, AUDIT_IN_USE
 */
export const appendAudit = (file: string, entry: AuditEntry): string =>
  new ChainFile(file).append((head, removed) => lineOf(head, { ...entry, ...removed }));

/** A journal or an audit file, or the one in a folder. @throws GraftError AUDIT_MISSING */
export function findAudit(path: string): string {
  const files = isFolder(path) ? [journalName, auditName].map((name) => join(path, name)) : [path];
  const file = files.find((one) => existsSync(one));
  if (!file) throw auditError('AUDIT_MISSING', { path, journal: journalName, name: auditName });
  return file;
}

/** The lines of an audit file or a journal as far as they can be believed. @param key as `verifyAudit` takes it */
export const readAudit = (file: string, key?: string): Chain<Line> =>
  readChain(readFileSync(file), isLine, { check: signatureCheck(key) });

export interface Verification {
  /** A head that was noted earlier: one of the lines must have it. */
  anchor?: string | undefined;
  /** The public key with which the lines must be signed, DER in base64; otherwise the one that the first line names. */
  key?: string | undefined;
  /** Another party's journal: all heads of this one that it was told must be there. */
  witness?: string | undefined;
}

export interface Verified {
  count: number;
  head: string;
  /** Whose journal it is, and the public key that signed it; undefined for lines of commands, which are not signed. */
  signed: { by: string; key: string } | undefined;
  /** How many heads the witness was told. */
  witnessed: number | undefined;
}

/**
 * Reads the whole chain.
 *
 * @throws GraftError AUDIT_BROKEN with the first line that does not follow from the one before or is not signed as it must be,
 * or where there is none in a journal or in what an anchor, a key or a witness is given for; AUDIT_ANCHOR; AUDIT_WITNESS with
 * the first head that the witness was told and that is not there; AUDIT_UNWITNESSED where it was told none
 */
export function verifyAudit(file: string, { anchor, key, witness }: Verification = {}): Verified {
  const { lines, head } = wholeChain(file, { key, begun: (anchor ?? key ?? witness) !== undefined });
  const count = lines.length;
  const hashes = new Set(lines.map(({ hash }) => hash));
  if (anchor !== undefined && !hashes.has(anchor.toLowerCase()))
    throw auditError('AUDIT_ANCHOR', { file, anchor, count, head });
  const [first] = lines;
  const signed = first && isActEntry(first.entry) ? { by: first.entry.by, key: first.entry.key! } : undefined;
  if (witness === undefined) return { count, head, signed, witnessed: undefined };

  const told = wholeChain(witness, { begun: true }).lines.flatMap(({ entry }, i) => {
    const hash = isActEntry(entry) ? entry.heads?.[signed?.by ?? ''] : undefined;
    return hash === undefined ? [] : [{ hash, line: i + 1 }];
  });
  if (told.length === 0) throw auditError('AUDIT_UNWITNESSED', { file, witness, by: signed?.by ?? 'commands' });
  const lost = told.find(({ hash }) => !hashes.has(hash));
  if (lost) throw auditError('AUDIT_WITNESS', { file, witness, ...lost, count, head });
  return { count, head, signed, witnessed: told.length };
}

/** @param begun whether there must be a line, as in every journal @throws GraftError AUDIT_BROKEN */
function wholeChain(file: string, { key, begun }: { key?: string | undefined; begun: boolean }): Chain<Line> {
  const chain = readAudit(file, key);
  const { lines, torn, broken } = chain;
  const isJournal = basename(file) === journalName;
  if (broken) throw auditError('AUDIT_BROKEN', { file, ...broken });
  if (torn > 0) {
    const problem = `is cut short after ${torn} bytes, as a crash leaves it`;
    throw auditError('AUDIT_BROKEN', { file, line: lines.length + 1, problem });
  }
  if (lines.length === 0 && (begun || isJournal))
    throw auditError('AUDIT_BROKEN', { file, line: 1, problem: 'is missing: the file is empty' });
  if (isJournal && !isActEntry(lines[0].entry))
    throw auditError('AUDIT_BROKEN', { file, line: 1, problem: 'is not of a journal, whose lines are signed' });
  return chain;
}
