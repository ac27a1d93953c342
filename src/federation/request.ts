/**
 * What a site asks to be admitted with: its name, its public keys and a request for a certificate, signed with the key that
 * it will sign with. The file may be sent by e-mail: people compare its six words by telephone.
 */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { certificateRequest, requestedKey } from './certificates.js';
import { federationError } from './errors.js';
import { type PartyKeys, type PublicKeys, publicKeysOf, publicKeysSchema } from './keys.js';
import { nameSchema } from './names.js';
import { type DocumentKind, readDocument, type Signed, signed } from './signed.js';

const requestSchema = z.strictObject({
  format: z.literal('graft site request 1'),
  name: nameSchema,
  keys: publicKeysSchema,
  /** PKCS #10 in PEM. */
  tls: z.string().max(2000),
});
type RequestContent = z.output<typeof requestSchema>;

export const requestKind: DocumentKind<RequestContent> = {
  what: 'site’s request',
  limit: 2 ** 13,
  schema: requestSchema,
  signer: ({ keys }) => keys.signing,
};

export interface SiteRequest {
  name: string;
  keys: PublicKeys;
  /** The site's key for TLS. */
  tls: KeyObject;
}

/** @param name one that `checkName` lets pass */
export async function makeRequest(name: string, keys: PartyKeys): Promise<Signed<object>> {
  const tls = await certificateRequest(name, keys.tls);
  return signed({ format: 'graft site request 1', name, keys: publicKeysOf(keys), tls }, keys.signing);
}

/** Reads a request whose signatures all hold. @throws GraftError DOCUMENT_INVALID */
export async function readRequest(file: string): Promise<SiteRequest> {
  const { name, keys, tls } = readDocument(requestKind, file);
  try {
    return { name, keys, tls: await requestedKey(tls, name) };
  } catch (error) {
    const reason = (error as Error).message;
    throw federationError('DOCUMENT_INVALID', { file, what: requestKind.what, reason }, error);
  }
}
