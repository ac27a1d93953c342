/**
 * Signed lines: an Ed25519 signature (RFC 8032) as the last key, over the line without it. The first line names the public
 * key. The chain's hashes are over the whole line, signature included.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { shownName } from '../core/index.js';
import { type ActEntry, isActEntry } from './act.js';
import type { Line } from './lines.js';

const signature = /,"signature":"([A-Za-z0-9+/]{86}==)"\}$/;
/** What is signed is for a journal, so no other message of the key's owner passes for a line. */
const signedBytes = (line: string) => Buffer.from(`graft journal\n${line}`);

/** @param line JSON of an object that has keys @param key private */
export const signedLine = (line: string, key: KeyObject): string =>
  `${line.slice(0, -1)},"signature":"${sign(null, signedBytes(line), key).toString('base64')}"}`;

/** @param key DER in base64 */
function publicKeyOf(key: string): KeyObject | undefined {
  try {
    const found = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
    return found.asymmetricKeyType === 'ed25519' ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a line has a signature of the key's owner. @param key public */
export function isSigned(text: string, key: KeyObject): boolean {
  const found = signature.exec(text);
  if (!found) return false;
  const bytes = Buffer.from(found[1], 'base64');
  // Two texts may stand for the same bytes: only the usual one is what was written.
  return (
    bytes.toString('base64') === found[1] && verify(null, signedBytes(`${text.slice(0, found.index)}}`), key, bytes)
  );
}

/**
 * A check of a chain's lines one after another: once a line names a key, all are signed with it; the lines of commands name
 * none. All are of the party that the first one names: others bear witness to a journal by that name.
 *
 * @param expected public key that the first line has to name, DER in base64
 */
export function signatureCheck(expected?: string): (text: Buffer, entry: Line) => string | undefined {
  let key: KeyObject | undefined;
  let by: string | undefined;
  let first = true;
  return (text, entry) => {
    if (first && (expected !== undefined || isActEntry(entry))) {
      const named = isActEntry(entry) ? entry.key : undefined;
      if (named === undefined) return 'names no key with which the lines are signed';
      if (expected !== undefined && named !== expected) return `names the key ${named}, and ${expected} was expected`;
      key = publicKeyOf(named);
      if (!key) return 'names a key that is none';
      by = (entry as ActEntry).by;
    }
    first = false;
    if (!key) return isActEntry(entry) ? 'is of a journal, among lines that are not' : undefined;
    const other = isActEntry(entry) ? entry.by : 'a command';
    if (other !== by) return `is of ${shownName(other)}, in the journal of ${shownName(by!)}`;
    return isSigned(text.toString('utf8'), key)
      ? undefined
      : 'is not signed with the key that the first line names; it was changed, or somebody else has written it';
  };
}
