/** Options of all commands that speak to an archive. */
import type { z } from 'zod';

export const archiveOptions = (zod: typeof z) => ({
  credentials: zod
    .string()
    .optional()
    .describe(
      'file (chmod 600) with USER:PASSWORD or Bearer TOKEN; default: GRAFT_PACS_USER and GRAFT_PACS_PASSWORD, or GRAFT_PACS_TOKEN',
    ),
  ca: zod.string().optional().describe('PEM file of the authority that signed the archive’s certificate'),
  plainHttp: zod.boolean().default(false).describe('allow http to other machines than this one'),
});

/** Of commands that also send by C-STORE. */
export const destinationOptions = (zod: typeof z) => ({
  ...archiveOptions(zod),
  aet: zod.string().default('GRAFT').describe('title by which graft calls itself to a peer (TITLE@HOST:PORT)'),
});
