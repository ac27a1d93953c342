/** Options of all commands that speak to an archive or a peer. */
import type { z } from 'zod';
import { cliError } from './errors.js';

/** What connections over TLS are made with. */
export const tlsOptions = (zod: typeof z) => ({
  ca: zod.string().optional().describe('PEM file of the authority that signed the certificate of the archive or peer'),
  certificate: zod
    .string()
    .optional()
    .describe('PEM file of a certificate of graft’s own, for archives and peers that ask for one'),
  key: zod.string().optional().describe('its private key in PEM (chmod 600)'),
});

export const archiveOptions = (zod: typeof z) => ({
  credentials: zod
    .string()
    .optional()
    .describe(
      'file (chmod 600) with USER:PASSWORD or Bearer TOKEN; default: GRAFT_PACS_USER and GRAFT_PACS_PASSWORD, or GRAFT_PACS_TOKEN',
    ),
  ...tlsOptions(zod),
  plainHttp: zod.boolean().default(false).describe('allow http to other machines than this one'),
});

/** Of commands that also send by C-STORE. */
export const destinationOptions = (zod: typeof z) => ({
  ...archiveOptions(zod),
  aet: zod.string().default('GRAFT').describe('title by which graft calls itself to a peer (TITLE@HOST:PORT)'),
});

/**
 * Refuses what was named for TLS where nothing is spoken to over it: it would go out readable.
 *
 * @throws GraftError OPTION_INVALID
 */
export function checkTls(
  command: string,
  { ca, certificate, key }: { ca?: string | undefined; certificate?: string | undefined; key?: string | undefined },
  ...addresses: readonly (string | undefined)[]
): void {
  if ((ca ?? certificate ?? key) === undefined) return;
  if (addresses.some((address) => /^(https|dicomweb|tls):/.test(address ?? ''))) return;
  const problems =
    '--ca, --certificate and --key are for TLS, which an address asks for: tls://TITLE@HOST:PORT or https://…';
  throw cliError('OPTION_INVALID', { problems, command });
}
