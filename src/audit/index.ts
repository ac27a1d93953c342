/** Audit files and journals: what was done, by whom and over which bytes, in lines that are chained by their hashes. */
export { type Act, type ActEntry, type ActName, isActEntry } from './act.js';
export type { Chain } from './chain.js';
export type { AuditEntry, Digest } from './entry.js';
export { auditErrors } from './errors.js';
export { appendAudit, auditName, findAudit, journalName, readAudit, type Verified, verifyAudit } from './files.js';
export { Journal, type JournalOptions } from './journal.js';
export type { Line } from './lines.js';
export { AuditRecord } from './record.js';
