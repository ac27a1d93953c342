/** The lines of commands in an audit file. */
import { type AuditEntry, readAudit } from '../../src/audit/index.js';

export const commandsIn = (file: string): { hash: string; entry: AuditEntry }[] =>
  readAudit(file).lines as { hash: string; entry: AuditEntry }[];
