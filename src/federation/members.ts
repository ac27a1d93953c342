/** Who was admitted to a study and who was revoked: a file in the coordinator's folder, which is written whole. */
import { z } from 'zod';
import {
  didYouMean,
  readFault,
  readRegularText,
  sealedJson,
  unsealedJson,
  whileLocked,
  writeFileAtomic,
} from '../core/index.js';
import { federationError } from './errors.js';
import { type PublicKeys, publicKeysSchema } from './keys.js';
import { nameSchema } from './names.js';

const memberSchema = z.strictObject({
  name: nameSchema,
  keys: publicKeysSchema,
  admitted: z.iso.datetime(),
  /** Absent while the member may take part. */
  revoked: z.iso.datetime().optional(),
});
export type Member = z.output<typeof memberSchema>;
const fileSchema = z.strictObject({ members: z.array(memberSchema).max(100_000) });

/** All that were ever admitted, in that order. @throws GraftError MEMBERS_DAMAGED */
export function readMembers(file: string): Member[] {
  try {
    return fileSchema.parse(unsealedJson(readRegularText(file, 2 ** 26))).members;
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0].message : readFault(error);
    throw federationError('MEMBERS_DAMAGED', { file, reason }, error);
  }
}

export const writeMembers = (file: string, members: readonly Member[]): void =>
  writeFileAtomic(file, sealedJson({ members }));

/**
 * Changes the list; nobody else does so meanwhile.
 *
 * @param change gives the new list
 * @param then what must follow from the new list
 * @throws GraftError MEMBERS_DAMAGED, MEMBERS_IN_USE, WRITE_FAILED
 */
export function changeMembers(
  file: string,
  change: (members: readonly Member[]) => Member[],
  then: (members: readonly Member[]) => void,
): void {
  whileLocked(
    file,
    () => {
      const members = change(readMembers(file));
      writeMembers(file, members);
      then(members);
    },
    ({ pid, host, lock }) => federationError('MEMBERS_IN_USE', { file, pid, host, lock }),
  );
}

/** Those that may take part. */
export const admittedOf = (members: readonly Member[]): Member[] =>
  members.filter(({ revoked }) => revoked === undefined);

/**
 * The list with one more member, or as it was where this site was admitted before. A name and a key belong together for
 * ever: what was learned from a site under a name stays that site's.
 *
 * @throws GraftError MEMBER_REVOKED, MEMBER_OTHER_KEYS
 */
export function withMember(
  members: readonly Member[],
  { name, keys }: { name: string; keys: PublicKeys },
  { folder, now }: { folder: string; now: Date },
): Member[] {
  const revoked = members.find((one) => one.revoked && (one.name === name || one.keys.signing === keys.signing));
  if (revoked) throw federationError('MEMBER_REVOKED', { folder, site: name, on: revoked.revoked!.slice(0, 10) });
  const known = members.find((one) => one.name === name || one.keys.signing === keys.signing);
  if (!known) return [...members, { name, keys, admitted: now.toISOString() }];
  if (known.name !== name || known.keys.signing !== keys.signing || known.keys.payload !== keys.payload)
    throw federationError('MEMBER_OTHER_KEYS', { folder, site: known.name });
  return [...members];
}

/** The list in which a member is revoked, from now on or already before. @throws GraftError MEMBER_UNKNOWN */
export function withoutMember(
  members: readonly Member[],
  name: string,
  { folder, now }: { folder: string; now: Date },
): Member[] {
  const names = members.map((one) => one.name);
  if (!names.includes(name))
    throw federationError('MEMBER_UNKNOWN', {
      ...{ folder, site: name, sites: names.join(', ') || 'none' },
      suggestion: didYouMean(name, names),
    });
  return members.map((one) => (one.name === name ? { ...one, revoked: one.revoked ?? now.toISOString() } : one));
}
