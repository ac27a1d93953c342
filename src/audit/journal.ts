/** The journal of a coordinator or a site: every act a line, chained to the one before and signed. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { shownName, shownText, version } from '../core/index.js';
import type { Act, ActEntry } from './act.js';
import { lineOf, origin, readChain } from './chain.js';
import { ChainFile } from './chain-file.js';
import { auditError } from './errors.js';
import { isLine } from './lines.js';
import { isSigned, signedLine } from './signature.js';
import { userName } from './user.js';

export interface JournalOptions {
  file: string;
  /** The party whose journal it is: `coordinator`, or a site's name. */
  by: string;
  /** Its private key, Ed25519. */
  key: KeyObject;
}

/**
 * The journal of a coordinator or a site. Several processes may have it open at once.
 *
 * ```ts
 * const journal = new Journal({ file: join(folder, journalName), by: 'site-a', key });
 * journal.note({ act: 'update.sent', round: 3, hashes: { update: hash }, bytes });
 * ```
 */
export class Journal {
  readonly file: string;
  readonly #by: string;
  readonly #key: KeyObject;
  readonly #publicKey: string;
  readonly #chain: ChainFile;
  #head: string | undefined;

  /**
   * Opens the journal, or begins one with the first note. What is there must be a chain, and the last line signed: the others'
   * signatures, which take longer, are for `verifyAudit`.
   *
   * @throws GraftError JOURNAL_OTHER_KEY, JOURNAL_OTHER_NAME, JOURNAL_DAMAGED
   */
  constructor({ file, by, key }: JournalOptions) {
    this.file = file;
    this.#by = by;
    this.#key = key;
    const publicKey = createPublicKey(key);
    this.#publicKey = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    this.#chain = new ChainFile(file);
    if (!existsSync(file)) return;
    let last = '';
    const check = (text: Buffer) => {
      last = text.toString('utf8');
      return undefined;
    };
    const { lines, head, broken } = readChain(readFileSync(file), isLine, { check });
    const [first] = lines as { entry: { key?: string; by?: string } }[];
    if (first && first.entry.key !== this.#publicKey) throw auditError('JOURNAL_OTHER_KEY', { file, by });
    if (first && first.entry.by !== by)
      throw auditError('JOURNAL_OTHER_NAME', { file, by, found: shownName(first.entry.by ?? 'commands') });
    const unsigned = last !== '' && !isSigned(last, publicKey);
    const fault =
      broken ?? (unsigned ? { line: lines.length, problem: 'is not signed with the first line’s key' } : undefined);
    if (fault) throw auditError('JOURNAL_DAMAGED', { file, ...fault });
    if (head !== origin) this.#head = head;
  }

  /** The hash of the last line that is known here, which others should note; undefined before the first. */
  get head(): string | undefined {
    return this.#head;
  }

  /**
   * Notes an act; after the return the line survives a crash.
   *
   * @returns the new head
   * @throws GraftError WRITE_FAILED, AUDIT_IN_USE
   */
  note(act: Act): string {
    const { act: name, reason, ...more } = noteOf(act);
    this.#head = this.#chain.append((previous, removed) => {
      const entry: ActEntry = {
        at: new Date().toISOString(),
        ...{ by: this.#by, act: name },
        ...more,
        ...(reason !== undefined && { reason }),
        ...{ user: userName(), graft: version },
        ...(previous === origin && { key: this.#publicKey }),
        ...removed,
      };
      return signedLine(lineOf(previous, entry), this.#key);
    });
    return this.#head;
  }

  /** Whether a line holds the act, whatever else it holds: heads of others, the time. */
  holds({ heads: _, ...act }: Act): boolean {
    if (!existsSync(this.file)) return false;
    const sought = Object.entries(JSON.parse(JSON.stringify(noteOf(act))));
    const { lines } = readChain(readFileSync(this.file), isLine);
    return lines.some(({ entry }) =>
      sought.every(([key, value]) => isDeepStrictEqual((entry as unknown as Record<string, unknown>)[key], value)),
    );
  }
}

/** The act as a line has it. */
const noteOf = ({ reason, ...act }: Act): Act => ({
  ...act,
  ...(reason !== undefined && { reason: shownText(reason) }),
});
