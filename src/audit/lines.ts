/** The lines of both kinds of chain: of commands beside their results, and of a federation's journal. */
import { type ActEntry, isActEntry } from './act.js';
import { type AuditEntry, isAuditEntry } from './entry.js';

export type Line = AuditEntry | ActEntry;

export const isLine = (entry: object): entry is Line => isActEntry(entry) || isAuditEntry(entry);
