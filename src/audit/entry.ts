/** What a line of an audit file holds: who did what, when, with which model, to which images. */

/** A file, or a series as one, by its bytes. */
export interface Digest {
  name: string;
  /** Of several files: of their digests, sorted, one after another. */
  sha256: string;
}

export interface AuditEntry {
  /** ISO 8601, UTC. */
  at: string;
  user: string;
  graft: string;
  command: string;
  /** Options that were given, without paths. */
  settings: Record<string, unknown>;
  /** By what they are: model, adapter, foundation. */
  models: Record<string, Digest>;
  inputs: Digest[];
  /**
   * Named from the audit file's folder; of a mask also how much of each class it holds, in ml, and where an adapter was
   * chosen for it, which of `models`: `none` is the base model.
   */
  outputs: (Digest & { volumesMl?: Record<string, number>; adapter?: string })[];
  warnings: string[];
  /** `unfinished`: an error or an interruption ended the command after it had written something. */
  outcome: 'done' | 'unfinished';
  /** What was removed before this line: a line that a crash cut short. */
  removed?: string;
}

const texts = ['at', 'user', 'graft', 'command', 'outcome'] as const;
const lists = ['inputs', 'outputs', 'warnings'] as const;

/** Whether it has what is shown of it. */
export function isAuditEntry(entry: object): entry is AuditEntry {
  const one = entry as Record<string, unknown>;
  return (
    texts.every((key) => typeof one[key] === 'string') &&
    lists.every((key) => Array.isArray(one[key])) &&
    typeof one.models === 'object' &&
    one.models !== null
  );
}
