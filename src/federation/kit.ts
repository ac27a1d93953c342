/**
 * A kit: what the coordinator gives to one site, in one signed file. It holds the study, the study's authority and the
 * site's certificate, and no secret: only a holder of the site's private keys can use it.
 */
import { z } from 'zod';
import { federationError } from './errors.js';
import { type PartyKeys, publicKeysOf, publicKeysSchema } from './keys.js';
import { nameSchema } from './names.js';
import { type DocumentKind, openDocument, readDocument, type Signed } from './signed.js';
import { type Study, studyKind } from './study.js';
import { wordsOf } from './words.js';

const pem = z.string().max(4000);

/** A study with its signature, which must hold. */
const signedStudySchema = z.unknown().transform((value, context): Study => {
  try {
    return openDocument(studyKind, value);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
});

export const kitFormat = 'graft kit 1';
const kitSchema = z.strictObject({
  format: z.literal(kitFormat),
  study: signedStudySchema,
  site: z.strictObject({ name: nameSchema, keys: publicKeysSchema }),
  /** PEM, of the study's authority and of the site. */
  authority: pem,
  certificate: pem,
});
export type Kit = z.output<typeof kitSchema>;

export const kitKind: DocumentKind<Kit> = {
  what: 'kit',
  limit: 2 ** 18,
  schema: kitSchema,
  signer: ({ study }) => study.coordinator.signing,
};

/** What a kit is signed as; the study stays as it was signed. */
export type KitContent = Omit<Kit, 'study'> & { study: Signed<object> };

/**
 * Reads a kit whose signatures all hold. That they are the coordinator's is for people to find out, by its six words.
 *
 * @throws GraftError DOCUMENT_INVALID
 */
export const readKit = (file: string): Kit => readDocument(kitKind, file);

/** @param folder of the keys, for messages @throws GraftError KIT_OTHER_KEYS */
export function checkKitKeys({ site }: Kit, keys: PartyKeys, { file, folder }: { file: string; folder: string }): void {
  const own = publicKeysOf(keys);
  if (own.signing !== site.keys.signing || own.payload !== site.keys.payload)
    throw federationError('KIT_OTHER_KEYS', {
      ...{ file, folder, site: site.name },
      ...{ expected: wordsOf(site.keys), found: wordsOf(own) },
    });
}
