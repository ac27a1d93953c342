/** What a line of a journal holds: an act of a coordinator or a site, and over which bytes. */

/** What is done in a federation, in the order in which it usually happens. */
export const actNames = [
  'started',
  'stopped',
  'study.created',
  'study.opened',
  'study.extended',
  'policy.allowed',
  'policy.refused',
  'site.admitted',
  'site.revoked',
  'site.registered',
  'site.rejected',
  'round.opened',
  'task.received',
  'registration.sent',
  'update.sent',
  'failure.sent',
  'update.accepted',
  'update.refused',
  'update.late',
  'site.failed',
  'site.missing',
  'site.twice',
  'messages.dropped',
  'message.refused',
  'cases.scored',
  'round.closed',
  'federation.paused',
  'federation.resumed',
  'federation.finished',
] as const;
export type ActName = (typeof actNames)[number];

export interface Act {
  act: ActName;
  /** Whom or what it concerns: a site, a study, a plan. */
  subject?: string | undefined;
  round?: number | undefined;
  /** SHA-256 of the bytes that it is about, by what these are: `task`, `update`, `study`, … */
  hashes?: Record<string, string> | undefined;
  /** How many bytes travelled. */
  bytes?: number | undefined;
  reason?: string | undefined;
  /** Heads of others' journals, as they told them, by `by` of these: whose end was cut off is found by them. */
  heads?: Record<string, string> | undefined;
  /** What else belongs to it; nothing of a patient. */
  details?: Record<string, unknown> | undefined;
}

export interface ActEntry extends Act {
  /** ISO 8601, UTC. */
  at: string;
  /** The party whose journal it is: `coordinator`, or a site. */
  by: string;
  user: string;
  graft: string;
  /** In the first line: the public key, DER in base64, with which all lines are signed. */
  key?: string;
  /** What was removed before this line: a line that a crash cut short. */
  removed?: string;
}

/** Whether it has what is shown of it. */
export function isActEntry(entry: object): entry is ActEntry {
  const one = entry as Record<string, unknown>;
  return ['act', 'at', 'by', 'user', 'graft'].every((key) => typeof one[key] === 'string');
}
