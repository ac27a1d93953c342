/**
 * What a command leaves in the audit file beside its results.
 *
 * Nothing of a patient is in it: DICOM series stand under their pseudonyms, other files under their own names without the
 * folders, and options that are paths are left out.
 */
import { createHash } from 'node:crypto';
import { basename, dirname, join, relative } from 'node:path';
import { sha256, version } from '../core/index.js';
import type { AuditEntry } from './entry.js';
import { appendAudit, auditName } from './files.js';
import { userName } from './user.js';

const paths = [
  ...['out', 'adapter', 'adapters', 'audit', 'base', 'ca', 'cache', 'codes', 'credentials', 'foundation', 'from'],
  ...['init', 'key', 'labels', 'recipe', 'start'],
];

export interface AuditOptions {
  command: string;
  /** As in a command's context. */
  given: Readonly<Record<string, unknown>>;
  /** The audit file where one was named. */
  audit: string | undefined;
  /** The folder of the results. */
  folder: string;
}

/**
 * Collects what a command did; `using` it makes sure that results are recorded even where the command does not end well.
 * Digests are taken at once, so that they are of what was read and written.
 */
export class AuditRecord implements Disposable {
  readonly file: string;
  readonly #entry: AuditEntry;
  #recorded = false;

  constructor({ command, given, audit, folder }: AuditOptions) {
    this.file = audit ?? join(folder, auditName);
    this.#entry = {
      at: new Date().toISOString(),
      user: userName(),
      graft: version,
      command,
      settings: Object.fromEntries(
        Object.entries(given).flatMap(([key, value]) => (paths.includes(key) ? [] : [[key, withoutFolders(value)]])),
      ),
      models: {},
      inputs: [],
      outputs: [],
      warnings: [],
      outcome: 'unfinished',
    };
  }

  /** @param what it is: `model`, `adapter`, … */
  uses(what: string, file: string): void {
    this.#entry.models[what] = { name: basename(file), sha256: sha256(file) };
  }

  /**
   * Once for each name: a series may give several results.
   *
   * @param name a case's, or the pseudonym of a series @param files its own, at least one
   */
  reads(name: string, ...files: string[]): void {
    if (this.#entry.inputs.some((input) => input.name === name)) return;
    this.#entry.inputs.push({ name, sha256: files.length === 1 ? sha256(files[0]) : digestOfAll(files) });
  }

  writes(file: string, more: Pick<AuditEntry['outputs'][number], 'volumesMl' | 'adapter'> = {}): void {
    const inside = relative(dirname(this.file), file);
    const name = inside.startsWith('..') ? basename(file) : inside;
    this.#entry.outputs.push({ name, sha256: sha256(file), ...more });
  }

  warns(warning: string): void {
    this.#entry.warnings.push(warning);
  }

  /** The command ended well. @returns the line's hash @throws GraftError WRITE_FAILED, AUDIT_IN_USE */
  finish(): string {
    this.#entry.outcome = 'done';
    return this.#record();
  }

  #record(): string {
    this.#recorded = true;
    return appendAudit(this.file, this.#entry);
  }

  [Symbol.dispose](): void {
    if (this.#recorded || this.#entry.outputs.length === 0) return;
    try {
      this.#record();
    } catch {
      // The command fails for another reason already, which is the one to show.
    }
  }
}

const digestOfAll = (files: readonly string[]) =>
  createHash('sha256').update(files.map(sha256).sort().join('')).digest('hex');

/** The value, or the list of values, with files under their own names: folders may be named after patients. */
const withoutFolders = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withoutFolders)
    : typeof value === 'string'
      ? value.replace(/[^=,\s]*[/\\]/g, '')
      : value;
