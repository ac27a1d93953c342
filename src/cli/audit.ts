/** What commands note beside their results: the option, and the record that a command fills. */
import type { z } from 'zod';
import type { AuditRecord } from '../audit/index.js';
import { outputFile } from './output.js';
import type { Context } from './run-command.js';

export const auditOption = (zod: typeof z) => ({
  audit: outputFile(zod, 'audit file')
    .optional()
    .describe('file that adds a line about this command; default: graft-audit.jsonl beside the results'),
});

/** @param folder of the results @param audit the option */
export async function startAudit(
  context: Context,
  command: string,
  { folder, audit }: { folder: string; audit: string | undefined },
): Promise<AuditRecord> {
  const { AuditRecord } = await import('../audit/index.js');
  return new AuditRecord({ command, given: context.given, audit, folder });
}
