/**
 * Signed documents: requests, studies and kits. A document is JSON whose last key is an Ed25519 signature of everything
 * before it. There is one way to write a document; any other text, even one that says the same, is refused.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { GraftError, readFault, readRegular } from '../core/index.js';
import { federationError } from './errors.js';
import { publicKeyOf } from './keys.js';

export type Signed<Content> = Content & { signature: string };

/** No document of another kind begins so: a signature of one is none of the other. */
const signedBytes = (content: object) => Buffer.from(`graft document\n${JSON.stringify(content)}`);

/** @param key private, Ed25519 */
export const signed = <Content extends object>(content: Content, key: KeyObject): Signed<Content> => ({
  ...content,
  signature: sign(null, signedBytes(content), key).toString('hex'),
});

export const textOf = (document: Signed<object>): string => `${JSON.stringify(document, null, 1)}\n`;

/** How a kind of document is read. */
export interface DocumentKind<Content> {
  /** What people call it. */
  what: string;
  /** Bytes. */
  limit: number;
  /** Of the content, without the signature. */
  schema: z.ZodType<Content>;
  /** Whose signature it must have: a public key as in `PublicKeys`. */
  signer(content: Content): string;
}

const signatureSchema = z.string().regex(/^[0-9a-f]{128}$/, 'its signature is missing');

/** @throws Error that says why the document cannot be believed */
export function openDocument<Content>(kind: DocumentKind<Content>, document: unknown): Content {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new Error('it holds no keys and values');
  const { signature, ...content } = document as Record<string, unknown>;
  const parsed = kind.schema.safeParse(content);
  if (!parsed.success) throw new Error(firstIssue(parsed.error));
  const proof = signatureSchema.safeParse(signature);
  if (!proof.success) throw new Error('its signature is missing');
  const key = publicKeyOf(kind.signer(parsed.data), 'signing');
  if (!verify(null, signedBytes(content), key, Buffer.from(proof.data, 'hex')))
    throw new Error('its signature is wrong: it was changed after it was signed');
  return parsed.data;
}

const firstIssue = (error: z.ZodError): string => {
  const { path, message } = error.issues[0];
  return [...(path.length > 0 ? [path.join('.')] : []), message].join(': ').slice(0, 200);
};

/** @param file for messages @throws GraftError DOCUMENT_INVALID */
export function parseDocument<Content>(kind: DocumentKind<Content>, bytes: Uint8Array, file: string): Content {
  try {
    if (bytes.length > kind.limit) throw new Error(`it has ${bytes.length} bytes, more than ${kind.limit}`);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const document = JSON.parse(text) as Signed<object>;
    if (textOf(document) !== text) throw new Error('its text is not as graft writes it');
    return openDocument(kind, document);
  } catch (error) {
    if (error instanceof GraftError) throw error;
    const reason = error instanceof SyntaxError ? 'it is no JSON' : (error as Error).message;
    throw federationError('DOCUMENT_INVALID', { file, what: kind.what, reason }, error);
  }
}

/** @throws GraftError DOCUMENT_INVALID */
export function readDocument<Content>(kind: DocumentKind<Content>, file: string): Content {
  let bytes: Uint8Array;
  try {
    bytes = readRegular(file, kind.limit);
  } catch (error) {
    throw federationError('DOCUMENT_INVALID', { file, what: kind.what, reason: readFault(error) }, error);
  }
  return parseDocument(kind, bytes, file);
}
