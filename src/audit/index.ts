/** Audit files: what was done to whose images, in lines that are chained by their hashes. */
export type { Chain } from './chain.js';
export type { AuditEntry, Digest } from './entry.js';
export { auditErrors } from './errors.js';
export { appendAudit, auditName, findAudit, readAudit, verifyAudit } from './journal.js';
export { AuditRecord } from './record.js';
