/** The journal of a coordinator or a site: every act a line, chained to the one before and signed. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { version } from '../core/index.js';
import type { Act, ActEntry } from './act.js';
import { lineOf, origin, readChain } from './chain.js';
import { ChainFile } from './chain-file.js';
import { auditError } from './errors.js';
import { isLine } from './lines.js';
import { signedLine } from './signature.js';
import { userName } from './user.js';

/** Letters of a reason at most: some are what others said. */
const reasonLimit = 1000;

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

  /** Opens the journal, or begins one with the first note. @throws GraftError JOURNAL_OTHER_KEY */
  constructor({ file, by, key }: JournalOptions) {
    this.file = file;
    this.#by = by;
    this.#key = key;
    this.#publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
    this.#chain = new ChainFile(file);
    if (!existsSync(file)) return;
    const { lines, head } = readChain(readFileSync(file), isLine); // `verifyAudit` checks the signatures
    const [first] = lines as { entry: { key?: string } }[];
    if (first && first.entry.key !== this.#publicKey) throw auditError('JOURNAL_OTHER_KEY', { file, by });
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
    const { act: name, reason, ...more } = act;
    this.#head = this.#chain.append((previous, removed) => {
      const entry: ActEntry = {
        at: new Date().toISOString(),
        ...{ by: this.#by, act: name },
        ...more,
        ...(reason !== undefined && { reason: reason.slice(0, reasonLimit).replace(/\p{Cc}/gu, ' ') }),
        ...{ user: userName(), graft: version },
        ...(previous === origin && { key: this.#publicKey }),
        ...removed,
      };
      return signedLine(lineOf(previous, entry), this.#key);
    });
    return this.#head;
  }
}
