/**
 * How the coordinator judges what a site has said: the result is an entry for the ledger, or nothing if it was heard
 * before. A site can only spoil its own update.
 */
import { GraftError } from '../core/index.js';
import type { Book } from './book.js';
import type { Computation } from './computation/index.js';
import type { Entry } from './entries.js';
import type { Heard } from './gate.js';
import type { SiteState } from './messages.js';
import type { Transport } from './transport.js';

/** What the coordinator judges by. */
export interface Bench {
  book: Book;
  /** Fingerprint of the frozen network. */
  base: string;
  /** Most bytes of an update. */
  limit: number;
  /** Sites that have registered in this session. */
  introduced: Set<string>;
  transport: Transport;
  computation: Computation;
}

type Judgement = Extract<Entry, { site: string }>;

/** Codes of what is the fault of an update, or of its way here: a reason to refuse it, and none to end. */
export const refusedCodes: readonly string[] = ['PAYLOAD_INVALID', 'BLOB_MISSING', 'BLOB_TOO_LARGE', 'SEAL_BROKEN'];

export async function judge({ site, key, state, bytes }: Heard, bench: Bench): Promise<Judgement | undefined> {
  const { book } = bench;
  const reject = (reason: string): Judgement => ({ kind: 'rejected', site, reason });
  if (state.kind === 'present') return judgeRegistration(state, key, bench);
  const { round, down } = state;
  const traffic = { round, site, down, up: bytes };
  const { open } = book;
  if (open?.round !== round) {
    if (round > book.round) return reject(`it answers round ${round}, which was not begun`);
    if (book.heard(round, site) || state.kind === 'failed') return undefined;
    return { kind: 'late', ...traffic };
  }
  if (!open.chosen.has(site)) return reject(`it was not chosen for round ${round}`);
  // A site that was left out may have its newer folder back, and answers the same round.
  const back = book.behind.has(site) && state.kind === 'update';
  if (open.accepted.has(site) || (open.out.has(site) && !back)) return undefined;
  if (state.kind === 'failed') {
    const { reason, behind } = state;
    return { kind: 'failed', reason, ...(behind && { behind }), ...traffic };
  }
  return judgeUpdate(state, traffic, bench);
}

function judgeRegistration(
  { site, base, slices, cases }: Extract<SiteState, { kind: 'present' }>,
  key: string,
  { book, base: ours, introduced }: Bench,
): Judgement | undefined {
  const reject = (reason: string): Judgement => ({ kind: 'rejected', site, reason });
  if (base !== ours) return reject('its frozen network is another one');
  if (slices === 0 || cases === 0) return reject('it has no training cases');
  const back = book.behind.has(site);
  if (introduced.has(site) && !back) return undefined;
  introduced.add(site);
  const known = book.registered.get(site);
  if (known && known.slices === slices && known.cases === cases && !back) return undefined;
  return { kind: 'registered', site, key, slices, cases };
}

async function judgeUpdate(
  { blob, metrics }: Extract<SiteState, { kind: 'update' }>,
  traffic: { round: number; site: string; down: number; up: number },
  { book, transport, computation, limit }: Bench,
): Promise<Judgement> {
  const { round, site } = traffic;
  const refuse = (reason: string): Judgement => ({ kind: 'refused', ...traffic, up, reason });
  let { up } = traffic;
  if (blob.length > limit) return refuse(`it says that it has ${blob.length} bytes, more than ${limit}`);
  try {
    const bytes = await transport.getBlob(blob.hash, limit, { site, round });
    up += bytes.length;
    const norm = await computation.judge({ state: book.state!, round, site, blob, bytes });
    return { kind: 'accepted', ...traffic, up, blob, norm, metrics };
  } catch (error) {
    if (!(error instanceof GraftError) || !refusedCodes.includes(error.code)) throw error;
    return refuse(error.message);
  }
}
